/* SPDX-License-Identifier: MIT */
/* Locks on open files, and leases. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "verbs.h"

static int fd_of(const struct world *world, const char *slot)
{
	return world->fd[word_slot(slot)];
}

/* flock SLOT SH|EX|UN[|NB] */
static void do_flock(struct world *world, char **arg)
{
	static const struct flag_name names[] = {
		{"SH", LOCK_SH}, {"EX", LOCK_EX}, {"UN", LOCK_UN}, {"NB", LOCK_NB}, {NULL, 0},
	};

	say_done(world, flock(fd_of(world, arg[0]), (int)word_flags(names, arg[1])));
}

static const struct flag_name types[] = {
	{"R", F_RDLCK}, {"W", F_WRLCK}, {"U", F_UNLCK}, {"BAD", 77}, {NULL, 0},
};

/* TYPE START SIZE [WHENCE] */
static struct flock range_of(char **arg)
{
	struct flock range = {.l_type = (short)word_flags(types, arg[0]), .l_whence = SEEK_SET};

	range.l_start = word_number(arg[1]);
	range.l_len = word_number(arg[2]);
	if (arg[3])
		range.l_whence = strcmp(arg[3], "END") == 0 ? SEEK_END : SEEK_CUR;
	return range;
}

static void set(struct world *world, char **arg, int command)
{
	struct flock range = range_of(arg + 1);

	say_done(world, fcntl(fd_of(world, arg[0]), command, &range));
}

/* lock SLOT TYPE START SIZE [WHENCE]; lockw: waits; ofdlock, ofdlockw: the descriptor's */
static void do_lock(struct world *world, char **arg)
{
	set(world, arg, F_SETLK);
}

static void do_lockw(struct world *world, char **arg)
{
	set(world, arg, F_SETLKW);
}

static void do_ofdlock(struct world *world, char **arg)
{
	set(world, arg, F_OFD_SETLK);
}

static void do_ofdlockw(struct world *world, char **arg)
{
	set(world, arg, F_OFD_SETLKW);
}

static void get(struct world *world, char **arg, int command)
{
	struct flock range = range_of(arg + 1);

	if (fcntl(fd_of(world, arg[0]), command, &range)) {
		say_done(world, -1);
		return;
	}
	if (range.l_type == F_UNLCK) {
		say(world, "free");
		return;
	}
	say(world, "%s %lld+%lld by %s", range.l_type == F_RDLCK ? "R" : "W",
	    (long long)range.l_start, (long long)range.l_len,
	    range.l_pid == -1          ? "a descriptor"
	    : range.l_pid == getpid()  ? "me"
	    : range.l_pid == getppid() ? "the main process"
	    : range.l_pid > 0          ? "another"
				       : "nobody");
}

/* getlock SLOT TYPE START SIZE [WHENCE] */
static void do_getlock(struct world *world, char **arg)
{
	get(world, arg, F_GETLK);
}

static void do_ofdgetlock(struct world *world, char **arg)
{
	get(world, arg, F_OFD_GETLK);
}

/* lease SLOT R|W|U */
static void do_lease(struct world *world, char **arg)
{
	say_done(world, fcntl(fd_of(world, arg[0]), F_SETLEASE, (int)word_flags(types, arg[1])));
}

const struct verb verbs_lock[] = {
	{"flock", 2, 2, do_flock},
	{"lock", 4, 5, do_lock},
	{"lockw", 4, 5, do_lockw},
	{"ofdlock", 4, 5, do_ofdlock},
	{"ofdlockw", 4, 5, do_ofdlockw},
	{"getlock", 4, 5, do_getlock},
	{"ofdgetlock", 4, 5, do_ofdgetlock},
	{"lease", 2, 2, do_lease},
	{NULL, 0, 0, NULL},
};
