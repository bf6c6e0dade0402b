/* SPDX-License-Identifier: MIT */
/* Attributes, and who may do what. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "verbs.h"

static void stat_of(struct world *world, const char *path, int flags)
{
	struct at at = word_at(world, path);
	struct stat st;

	if (at.slot && !*at.path)
		flags |= AT_EMPTY_PATH;
	if (fstatat(at.fd, at.path, &st, flags))
		say_done(world, -1);
	else
		say_stat(world, &st);
}

/* stat PATH|SLOT: */
static void do_stat(struct world *world, char **arg)
{
	stat_of(world, arg[0], 0);
}

static void do_lstat(struct world *world, char **arg)
{
	stat_of(world, arg[0], AT_SYMLINK_NOFOLLOW);
}

/* nlink PATH */
static void do_nlink(struct world *world, char **arg)
{
	struct at at = word_at(world, arg[0]);
	struct stat st;

	if (fstatat(at.fd, at.path, &st, 0))
		say_done(world, -1);
	else
		say(world, "%lu", st.st_nlink);
}

/* statx PATH [FLAGS]: what is known beyond stat */
static void do_statx(struct world *world, char **arg)
{
	struct at at = word_at(world, arg[0]);
	struct statx stx;
	struct timespec born;

	if (statx(at.fd, at.path, word_at_flags(arg[1]), STATX_BASIC_STATS | STATX_BTIME, &stx)) {
		say_done(world, -1);
		return;
	}
	say(world, "mask=%x ", stx.stx_mask & (STATX_BASIC_STATS | STATX_BTIME));
	born = (struct timespec){stx.stx_btime.tv_sec, stx.stx_btime.tv_nsec};
	if (stx.stx_mask & STATX_BTIME) {
		say(world, "born=");
		say_time(world, &born);
	}
	say(world, " %s%s%s", stx.stx_attributes & STATX_ATTR_IMMUTABLE ? "immutable " : "",
	    stx.stx_attributes & STATX_ATTR_APPEND ? "append " : "",
	    stx.stx_attributes & STATX_ATTR_NODUMP ? "nodump " : "");
}

/* samedev PATH: as that of the case's directory? */
static void do_samedev(struct world *world, char **arg)
{
	struct stat here, there;

	if (stat(".", &here) || lstat(arg[0], &there))
		say_done(world, -1);
	else
		say(world, here.st_dev == there.st_dev ? "same" : "another");
}

/* atime PATH */
static void do_atime(struct world *world, char **arg)
{
	struct at at = word_at(world, arg[0]);
	struct stat st;

	if (fstatat(at.fd, at.path, &st,
		    at.slot && !*at.path ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW))
		say_done(world, -1);
	else
		say_time(world, &st.st_atim);
}

/* blocks PATH: none, fewer than its size needs, or all */
static void do_blocks(struct world *world, char **arg)
{
	struct at at = word_at(world, arg[0]);
	struct stat st;

	if (fstatat(at.fd, at.path, &st, at.slot && !*at.path ? AT_EMPTY_PATH : 0))
		say_done(world, -1);
	else if (st.st_blocks == 0)
		say(world, "none");
	else
		say(world, st.st_blocks * 512 < st.st_size ? "fewer" : "all");
}

/* chmod PATH|SLOT: MODE [FLAGS] */
static void do_chmod(struct world *world, char **arg)
{
	struct at at = word_at(world, arg[0]);
	mode_t mode = word_mode(arg[1]);

	say_done(world, at.slot && !*at.path
				? fchmod(at.fd, mode)
				: fchmodat(at.fd, at.path, mode, word_at_flags(arg[2])));
}

/* chown PATH|SLOT: OWNER [FLAGS] */
static void do_chown(struct world *world, char **arg)
{
	struct at at = word_at(world, arg[0]);
	uid_t uid;
	gid_t gid;

	word_owner(world, arg[1], &uid, &gid);
	say_done(world, at.slot && !*at.path
				? fchown(at.fd, uid, gid)
				: fchownat(at.fd, at.path, uid, gid, word_at_flags(arg[2])));
}

static struct timespec time_of(const char *word)
{
	char *end;
	struct timespec at = {0};

	if (strcmp(word, "now") == 0)
		return (struct timespec){.tv_nsec = UTIME_NOW};
	if (strcmp(word, "-") == 0)
		return (struct timespec){.tv_nsec = UTIME_OMIT};
	at.tv_sec = strtoll(word, &end, 10);
	if (*end == '.')
		at.tv_nsec = strtol(end + 1, NULL, 10);
	return at;
}

/* utimens PATH|SLOT: ATIME MTIME [FLAGS] */
static void do_utimens(struct world *world, char **arg)
{
	struct at at = word_at(world, arg[0]);
	struct timespec times[2] = {time_of(arg[1]), time_of(arg[2])};

	say_done(world, at.slot && !*at.path
				? futimens(at.fd, times)
				: utimensat(at.fd, at.path, times, word_at_flags(arg[3])));
}

/* touch PATH: both times to now, by NULL */
static void do_touch(struct world *world, char **arg)
{
	struct at at = word_at(world, arg[0]);

	say_done(world, utimensat(at.fd, at.path, NULL, 0));
}

static int access_mode(const char *word)
{
	int mode = F_OK;

	for (; *word; word++)
		mode |= *word == 'r' ? R_OK : *word == 'w' ? W_OK : *word == 'x' ? X_OK : 0;
	return mode;
}

/* access PATH rwx [FLAGS] */
static void do_access(struct world *world, char **arg)
{
	struct at at = word_at(world, arg[0]);

	say_done(world, syscall(SYS_faccessat2, at.fd, at.path, access_mode(arg[1]),
				word_at_flags(arg[2])));
}

/* statfs PATH */
static void do_statfs(struct world *world, char **arg)
{
	struct statvfs st;
	struct at at = word_at(world, arg[0]);

	if (at.slot ? fstatvfs(at.fd, &st) : statvfs(at.path, &st)) {
		say_done(world, -1);
		return;
	}
	say(world, "namemax=%lu %s%s%s", st.f_namemax, st.f_flag & ST_RDONLY ? "ro " : "",
	    st.f_blocks && st.f_bavail <= st.f_bfree && st.f_bfree <= st.f_blocks ? "sane" : "odd",
	    st.f_bsize ? "" : " no block size");
}

/* getflags SLOT; setflags SLOT FLAGS (of chattr, as a number) */
static void do_getflags(struct world *world, char **arg)
{
	int flags = 0, r = ioctl(world->fd[word_slot(arg[0])], FS_IOC_GETFLAGS, &flags);

	if (r < 0)
		say_done(world, r);
	else
		say(world, "%x",
		    flags & (FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL));
}

static void do_setflags(struct world *world, char **arg)
{
	static const struct flag_name names[] = {
		{"NODUMP", FS_NODUMP_FL},
		{"NOATIME", FS_NOATIME_FL},
		{"APPEND", FS_APPEND_FL},
		{"IMMUTABLE", FS_IMMUTABLE_FL},
		{NULL, 0},
	};
	int fd = world->fd[word_slot(arg[0])], flags = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags)) {
		say_done(world, -1);
		return;
	}
	flags &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL);
	flags |= (int)word_flags(names, arg[1]);
	say_done(world, ioctl(fd, FS_IOC_SETFLAGS, &flags));
}

const struct verb verbs_attr[] = {
	{"stat", 1, 1, do_stat},         {"lstat", 1, 1, do_lstat},
	{"nlink", 1, 1, do_nlink},       {"statx", 1, 2, do_statx},
	{"samedev", 1, 1, do_samedev},   {"atime", 1, 1, do_atime},
	{"blocks", 1, 1, do_blocks},     {"chmod", 2, 3, do_chmod},
	{"chown", 2, 3, do_chown},       {"utimens", 3, 4, do_utimens},
	{"touch", 1, 1, do_touch},       {"access", 2, 3, do_access},
	{"statfs", 1, 1, do_statfs},     {"getflags", 1, 1, do_getflags},
	{"setflags", 2, 2, do_setflags}, {NULL, 0, 0, NULL},
};
