/* SPDX-License-Identifier: MIT */
/*
 * The command line of sessionfsd; that of `sessionfs mount` has the same options, and hands them
 * on (mount_options_argv).
 *
 *	[MOUNTPOINT] [--mountpoint DIR] [--store DIR] [--share SPEC]... [--config FILE]
 *	[--foreground] [--no-passthrough] [--ready-fd N]
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct mount_options {
	const char *mountpoint; /* NULL: not given. All strings are borrowed from argv. */
	const char *store;
	const char *config_file;
	const char **shares; /* owned array of values of --share */
	size_t n_shares;
	bool foreground;
	bool no_passthrough;
	int ready_fd; /* where to say that the mount answers, or why not; -1: nowhere */
	bool help;
	bool version;
};

/* Every option may be "--name value" or "--name=value". VALIDATION_ERROR names the option. */
int mount_options_parse(int argc, char **argv, struct mount_options *ret_options, struct err *err);
void mount_options_release(struct mount_options *options);

/*
 * The arguments that make sessionfsd do the same: an owned, NULL-terminated array of borrowed and
 * owned strings, beginning with `program`; NULL when out of memory. Meant for an exec: nothing
 * frees the strings.
 */
char **mount_options_argv(const struct mount_options *options, const char *program);
