/* SPDX-License-Identifier: MIT */
/* Opening, closing, and what a descriptor is. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "verbs.h"

static const struct flag_name open_flags[] = {
	{"RDONLY", O_RDONLY},
	{"WRONLY", O_WRONLY},
	{"RDWR", O_RDWR},
	{"CREAT", O_CREAT},
	{"EXCL", O_EXCL},
	{"TRUNC", O_TRUNC},
	{"APPEND", O_APPEND},
	{"NONBLOCK", O_NONBLOCK},
	{"DIRECT", O_DIRECT},
	{"SYNC", O_SYNC},
	{"DSYNC", O_DSYNC},
	{"DIRECTORY", O_DIRECTORY},
	{"NOFOLLOW", O_NOFOLLOW},
	{"NOATIME", O_NOATIME},
	{"PATH", O_PATH},
	{"TMPFILE", O_TMPFILE},
	{"CLOEXEC", O_CLOEXEC},
	{"BOTH", O_ACCMODE},
	{NULL, 0},
};

static const struct flag_name resolve_flags[] = {
	{"BENEATH", RESOLVE_BENEATH},
	{"IN_ROOT", RESOLVE_IN_ROOT},
	{"NO_SYMLINKS", RESOLVE_NO_SYMLINKS},
	{"NO_XDEV", RESOLVE_NO_XDEV},
	{"CACHED", RESOLVE_CACHED},
	{"NO_MAGICLINKS", RESOLVE_NO_MAGICLINKS},
	{NULL, 0},
};

/* Puts a descriptor into a slot; what was there is closed. */
static void keep(struct world *world, const char *slot, int fd)
{
	int *place = &world->fd[word_slot(slot)];
	int error = errno;

	if (*place >= 0)
		close(*place);
	*place = fd;
	errno = error;
	say_done(world, fd);
}

/* open SLOT PATH FLAGS [MODE] */
static void do_open(struct world *world, char **arg)
{
	int flags = (int)word_flags(open_flags, arg[2]);
	struct at at = word_at(world, arg[1]);

	keep(world, arg[0], openat(at.fd, at.path, flags, arg[3] ? word_mode(arg[3]) : 0));
}

/* openat2 SLOT PATH FLAGS RESOLVE [MODE] */
static void do_openat2(struct world *world, char **arg)
{
	struct open_how how = {.flags = word_flags(open_flags, arg[2]),
			       .resolve = word_flags(resolve_flags, arg[3]),
			       .mode = arg[4] ? word_mode(arg[4]) : 0};
	struct at at = word_at(world, arg[1]);

	int fd;

	/* A walk that may not leave a directory is refused while anything is renamed anywhere. */
	do
		fd = (int)syscall(SYS_openat2, at.fd, at.path, &how, sizeof(how));
	while (fd < 0 && errno == EAGAIN && !(how.resolve & RESOLVE_CACHED));
	keep(world, arg[0], fd);
}

/* reopen SLOT OLD FLAGS: through /proc */
static void do_reopen(struct world *world, char **arg)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", world->fd[word_slot(arg[1])]);
	keep(world, arg[0], open(path, (int)word_flags(open_flags, arg[2])));
}

static void do_dup(struct world *world, char **arg)
{
	keep(world, arg[0], dup(world->fd[word_slot(arg[1])]));
}

static void do_close(struct world *world, char **arg)
{
	int *place = &world->fd[word_slot(arg[0])];

	say_done(world, close(*place));
	*place = -1;
}

static void say_flags(struct world *world, int flags)
{
	static const struct flag_name shown[] = {
		{"APPEND", O_APPEND}, {"NONBLOCK", O_NONBLOCK}, {"DIRECT", O_DIRECT},
		{"SYNC", O_SYNC},     {"DSYNC", O_DSYNC},       {"NOATIME", O_NOATIME},
		{"PATH", O_PATH},     {"CREAT", O_CREAT},       {"TRUNC", O_TRUNC},
	};
	static const char *const access[] = {"RDONLY", "WRONLY", "RDWR", "BOTH"};

	say(world, "%s", access[flags & O_ACCMODE]);
	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++)
		if ((flags & (int)shown[i].value) == (int)shown[i].value)
			say(world, "|%s", shown[i].name);
}

/* getfl SLOT */
static void do_getfl(struct world *world, char **arg)
{
	int flags = fcntl(world->fd[word_slot(arg[0])], F_GETFL);

	if (flags < 0)
		say_done(world, flags);
	else
		say_flags(world, flags);
}

/* setfl SLOT FLAGS */
static void do_setfl(struct world *world, char **arg)
{
	say_done(world,
		 fcntl(world->fd[word_slot(arg[0])], F_SETFL, (int)word_flags(open_flags, arg[1])));
}

/* handle SLOT PATH FLAGS: by its file handle, on the case's own file system */
static void do_handle(struct world *world, char **arg)
{
	char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	struct file_handle *handle = (struct file_handle *)(void *)space;
	struct at at = word_at(world, arg[1]);
	int mount_id, dir;

	handle->handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(at.fd, at.path, handle, &mount_id, 0)) {
		say(world, "no handle: ");
		say_done(world, -1);
		return;
	}
	dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	keep(world, arg[0], open_by_handle_at(dir, handle, (int)word_flags(open_flags, arg[2])));
	close(dir);
}

const struct verb verbs_open[] = {
	{"open", 3, 4, do_open},   {"openat2", 4, 5, do_openat2}, {"reopen", 3, 3, do_reopen},
	{"dup", 2, 2, do_dup},     {"close", 1, 1, do_close},     {"getfl", 1, 1, do_getfl},
	{"setfl", 2, 2, do_setfl}, {"handle", 3, 3, do_handle},   {NULL, 0, 0, NULL},
};
