/* SPDX-License-Identifier: MIT */
/* Making, removing and moving names. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "verbs.h"

/* mkdir PATH [MODE] */
static void do_mkdir(struct world *world, char **arg)
{
	struct at at = word_at(world, arg[0]);

	say_done(world, mkdirat(at.fd, at.path, arg[1] ? word_mode(arg[1]) : 0755));
}

static void do_rmdir(struct world *world, char **arg)
{
	struct at at = word_at(world, arg[0]);

	say_done(world, unlinkat(at.fd, at.path, AT_REMOVEDIR));
}

/* unlink PATH [FLAGS] */
static void do_unlink(struct world *world, char **arg)
{
	struct at at = word_at(world, arg[0]);

	say_done(world, unlinkat(at.fd, at.path, word_at_flags(arg[1])));
}

/* link OLD NEW [FLAGS] */
static void do_link(struct world *world, char **arg)
{
	struct at old = word_at(world, arg[0]), new = word_at(world, arg[1]);

	say_done(world, linkat(old.fd, old.path, new.fd, new.path, word_at_flags(arg[2])));
}

/* linkfd SLOT NEW: through /proc, as for O_TMPFILE */
static void do_linkfd(struct world *world, char **arg)
{
	struct at new = word_at(world, arg[1]);
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", world->fd[word_slot(arg[0])]);
	say_done(world, linkat(AT_FDCWD, path, new.fd, new.path, AT_SYMLINK_FOLLOW));
}

/* symlink TARGET PATH */
static void do_symlink(struct world *world, char **arg)
{
	struct at at = word_at(world, arg[1]);

	say_done(world, symlinkat(arg[0], at.fd, at.path));
}

/* readlink PATH [SIZE] */
static void do_readlink(struct world *world, char **arg)
{
	char text[PATH_MAX];
	struct at at = word_at(world, arg[0]);
	ssize_t n = readlinkat(at.fd, at.path, text,
			       arg[1] ? (size_t)word_number(arg[1]) : sizeof(text));
	size_t base = strlen(world->base);

	if (n < 0) {
		say_done(world, -1);
		return;
	}
	if ((size_t)n >= base && memcmp(text, world->base, base) == 0) {
		say(world, "@");
		n -= (ssize_t)base;
		memmove(text, text + base, (size_t)n);
	}
	say_bytes(world, text, (size_t)n);
}

/* rename OLD NEW [FLAGS] */
static void do_rename(struct world *world, char **arg)
{
	static const struct flag_name names[] = {
		{"NOREPLACE", RENAME_NOREPLACE},
		{"EXCHANGE", RENAME_EXCHANGE},
		{"WHITEOUT", RENAME_WHITEOUT},
		{"BAD", 1 << 20},
		{NULL, 0},
	};
	struct at old = word_at(world, arg[0]), new = word_at(world, arg[1]);

	say_done(world, renameat2(old.fd, old.path, new.fd, new.path,
				  (unsigned)word_flags(names, arg[2])));
}

/* mknod PATH TYPE MODE [MAJOR MINOR] */
static void do_mknod(struct world *world, char **arg)
{
	static const struct flag_name types[] = {
		{"file", S_IFREG},    {"fifo", S_IFIFO},  {"socket", S_IFSOCK},
		{"char", S_IFCHR},    {"block", S_IFBLK}, {"dir", S_IFDIR},
		{"symlink", S_IFLNK}, {"none", 0},        {NULL, 0},
	};
	struct at at = word_at(world, arg[0]);
	dev_t dev = arg[3] ? makedev(word_number(arg[3]), word_number(arg[4])) : 0;

	say_done(world, mknodat(at.fd, at.path,
				(mode_t)word_flags(types, arg[1]) | word_mode(arg[2]), dev));
}

/* umask MODE */
static void do_umask(struct world *world, char **arg)
{
	say(world, "%04o", umask(word_mode(arg[0])));
}

const struct verb verbs_name[] = {
	{"mkdir", 1, 2, do_mkdir},       {"rmdir", 1, 1, do_rmdir},   {"unlink", 1, 2, do_unlink},
	{"link", 2, 3, do_link},         {"linkfd", 2, 2, do_linkfd}, {"symlink", 2, 2, do_symlink},
	{"readlink", 1, 2, do_readlink}, {"rename", 2, 3, do_rename}, {"mknod", 3, 5, do_mknod},
	{"umask", 1, 1, do_umask},       {NULL, 0, 0, NULL},
};
