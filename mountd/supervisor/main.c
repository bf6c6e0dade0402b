/* SPDX-License-Identifier: MIT */
/*
 * sessionfsd: the daemon. Usually started by `sessionfs mount`, which has the same options, and
 * by service managers with --foreground.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/stdio.h"
#include "config/load.h"
#include "config/options.h"
#include "supervisor/detach.h"
#include "supervisor/instance.h"
#include "supervisor/ready.h"

static void print_help(void)
{
	puts("Usage: sessionfsd [MOUNTPOINT] [OPTION...]\n"
	     "The sessionfs daemon; `sessionfs mount` starts it, `sessionfs umount` ends it.\n"
	     "\n"
	     "  --store DIR        where sessions are kept (/var/lib/sessionfs)\n"
	     "  --share PATH[,mode=MODE][,lock=GLOB]...[,merge=GLOB]...\n"
	     "                     a directory to virtualise (/tmp); may be repeated\n"
	     "  --config FILE      instead of /etc/sessionfs\n"
	     "  --foreground       stay, and log to stderr\n"
	     "  --no-passthrough   move all data through the daemon\n"
	     "  --ready-fd N       write one JSON line there when the mount answers or has failed\n"
	     "  --help, --version");
}

static int run(const struct mount_options *options, struct ready *ready, struct err *err)
{
	struct config config = {0};
	int r;

	/* Before the fork: relative paths, and errors of a kind that need no daemon. */
	if (config_load(options, CONFIG_DIR, &config, err) < 0)
		return -1;
	r = config.foreground ? 0 : detach_fork(&ready->fd, err);
	if (r == 0)
		r = chdir("/") == 0 ? 0 : err_set(err, ERR_INTERNAL_ERROR, "cannot enter /");
	if (r == 0)
		r = instance_run(&config, ready, err);
	config_release(&config);
	return r;
}

int main(int argc, char **argv)
{
	struct ready ready = {.fd = -1, .started_ns = clock_boot_ns()};
	struct mount_options options;
	struct err err = {0};
	int status = 0;

	stdio_hold();
	log_init("sessionfsd");
	if (mount_options_parse(argc, argv, &options, &err) < 0)
		return ready_fail(&ready, &err);
	ready.fd = options.ready_fd;
	if (options.help)
		print_help();
	else if (options.version)
		puts("sessionfsd " SESSIONFS_VERSION);
	else {
		detach_close_fds(options.ready_fd);
		if (run(&options, &ready, &err) < 0)
			status = ready_fail(&ready, &err);
	}
	mount_options_release(&options);
	return status;
}
