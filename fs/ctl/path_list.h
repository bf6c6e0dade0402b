/* SPDX-License-Identifier: MIT */
/*
 * The paths that a request is about: its member "paths", absent: all.
 */
#pragma once

#include "ctl/target.h"

struct path_list {
	bool all;
	struct target_path *items;
	size_t count;
};
#define _cleanup_path_list_ __attribute__((cleanup(path_list_release)))
void path_list_release(struct path_list *paths);

/* 0, or -1 with VALIDATION_ERROR. To be released in either case. */
int path_list_parse(const struct ctl_request *request, struct path_list *paths, struct err *err);
/* Whether a path of the host is one of them, or lies below one. */
bool path_list_match(const struct path_list *paths, const char *path);
