/* SPDX-License-Identifier: MIT */
/*
 * Twins: how link(tmp, lock) works where `tmp` is private and `lock` lives in the lower.
 *
 * Two file systems cannot share a file, so the lock is a copy of the temporary. What programs look
 * at afterwards, st_nlink 2 of the temporary and one st_ino of both, comes from a second name of
 * the temporary, its twin: "~" and the identity of the lock's file, in the view's work directory. The
 * lock shows the number and the links of its twin. A twin is gone with its lock where a view
 * removes that, else when another is made and its temporary is gone, or at the next start.
 *
 * All functions are thread-safe and cheap where the view has no twin.
 */
#pragma once

#include <sys/stat.h>

#include "view/resolve.h"
#include "view/view.h"

/*
 * Makes the lock `name`, of a class that lives in the lower, from the file of the upper behind
 * src_fd (O_PATH). 0, -EEXIST, -EPERM (a directory), or what the backing answers.
 */
int twin_link(int src_fd, struct layer_dir *dir, const char *name);

/* Gives what was found in the lower the number and links of its twin, where it has one. */
void twin_show(struct view *view, struct resolved *found);
/* The same for attributes alone. */
void twin_show_links(struct view *view, struct stat *st);

/* The lock whose file had these attributes is removed. */
void twin_forget(struct view *view, const struct stat *lock);

/* The work directory was opened: finds out whether an earlier process has left twins. */
void twin_recover(struct view *view);
