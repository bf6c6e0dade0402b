/* SPDX-License-Identifier: MIT */
/*
 * A view on real directories: the world's first share as its lower, a session with its upper in the
 * world's store. Names *.lock are of class lock. One per test process, which runs as root.
 */
#pragma once

#include "support/world.h"
#include "view/resolve.h"
#include "view/view.h"

struct view_fixture {
	struct registry *registry;
	struct view_setup setup;
	uint32_t session;
	struct layer_dir *root;
	int lower; /* O_PATH; borrowed */
};

extern struct view_fixture view_fixture;

void view_fixture_make(enum share_mode mode);
void view_fixture_free(void);
/* A root of the same view with nothing cached below it, as after a restart; a new reference. */
struct layer_dir *view_fixture_reopen(void);

/* Makes a file in the lower, or a directory where text is NULL, and the directories above it. */
void lower_put(const char *path, const char *text);
/* Whether a file in the lower has that content, NULL: is not there. Says what it is if not. */
bool lower_holds(const char *path, const char *text);

/* A directory of the view; a new reference. Aborts the test where there is none. */
struct layer_dir *view_dir(const char *path);
/* What a name of the view is. */
struct resolved view_find(const char *path);
/* Whether a file of the view has that content, a symlink that target; NULL: is not there. */
bool view_shows(const char *path, const char *text);
/* Whether a directory of the view has these names, sorted: "a b/ c@ " */
bool view_lists(const char *path, const char *names);
/* Makes a file in the view, as root. */
void view_put(const char *path, const char *text);

/* The object in the upper, whatever the view makes of it: its mode, 0 where there is none. */
mode_t upper_mode(const char *path);
/* How many names are in the work directory. */
size_t work_count(void);
