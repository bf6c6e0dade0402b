/* SPDX-License-Identifier: MIT */
/*
 * The files that are the locks, below their share's lower or, for private locks, the session's
 * upper. Called without the mutex, with the daemon's own file-system identity.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "lock/table.h"

#define LOCKFILE_TEXT_MAX 4096 /* a stale file that holds more is not deleted */
#define LOCKFILE_DIR_MAX 16    /* a stale directory with more files is not deleted */

/* What stands under a lock's name. */
struct lockfile {
	struct stat st;
	uint32_t birth; /* sys_stat_birth() */
};

/* The file of that key; never follows a symlink. 0, -ENOENT (also where a parent is gone), errno. */
int lockfile_stat(const struct locks *locks, const struct lock_key *key, struct lockfile *ret_file);
/* Whether it is the record's file, not one that got its inode number after it. */
bool lockfile_is_of(const struct lockfile *file, const struct lock_record *record);

/*
 * The pid that the file's text (a symlink's target) names: > 0; 0 where it names none, is no such
 * file any more, or cannot be read. The file is the one that `st` describes.
 */
pid_t lockfile_text_pid(const struct locks *locks, const struct lock_key *key,
			const struct stat *st);

enum lockfile_freed {
	LOCKFILE_FREED = 1, /* it is deleted */
	LOCKFILE_GONE,      /* the name is not there, or is another file's by now */
	LOCKFILE_KEPT,      /* it holds more than a lock does, or is no file we would delete */
};
/*
 * Deletes the record's file. A file that somebody else has made under that name meanwhile is not
 * touched: it is first renamed aside, and put back where it is not ours after all. (Should a third
 * program create the lock in that instant, the name is his, and ours is left aside, deleted
 * nowhere: LOCKFILE_KEPT.) Returns enum lockfile_freed or negative errno.
 */
int lockfile_free(const struct locks *locks, const struct lock_record *record);
/* Finishes what a killed worker began. As above; LOCKFILE_GONE where it had not renamed. */
int lockfile_free_resume(const struct locks *locks, const struct lock_record *record);
