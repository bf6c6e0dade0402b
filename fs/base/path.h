/* SPDX-License-Identifier: MIT */
/*
 * Path text, without touching the file system.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether a path matches a rule's glob. A glob without '/' is matched against the last component;
 * one with '/' against the whole relative path. '*', '?' and [sets] never match '/'; '**' as a
 * whole component crosses directories, none included ("** / x" matches "x"). Backslash escapes.
 * Bytes, not characters. Linear in practice, polynomial at worst (no exponential back-tracking).
 */
bool path_glob_match(const char *glob, const char *relative_path);

/* NULL where the glob is well-formed, else why not, in words. */
const char *path_glob_check(const char *glob);

/* Whether `path` is `dir` or lies below it. Both absolute and normalised. */
bool path_is_below(const char *path, const char *dir);

/* Borrowed last component of a path; the path itself where it has no '/'. */
const char *path_base(const char *path);

/*
 * Normalises an absolute path's text: no '//', '.', trailing '/'; ".." is refused.
 * Returns a new string, or NULL with errno EINVAL (not absolute, "..") or ENOMEM.
 */
char *path_normalise(const char *path);

/* Whether text is a session id: [A-Za-z0-9][A-Za-z0-9._:-]{0,63}. */
bool path_is_session_id(const char *text);
