/* SPDX-License-Identifier: MIT */
/* What is in a file. All buffers are aligned, so that O_DIRECT takes the same verbs. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include "verbs.h"

#define BUFFER_SIZE (2u << 20)

static _Alignas(4096) char buffer[BUFFER_SIZE];

static int fd_of(const struct world *world, const char *slot)
{
	return world->fd[word_slot(slot)];
}

static size_t size_of(const char *word)
{
	size_t size = (size_t)word_number(word);

	if (size > BUFFER_SIZE)
		broken("more than the buffer holds: %s", word);
	return size;
}

static void say_read(struct world *world, ssize_t n)
{
	if (n < 0)
		say_done(world, n);
	else
		say_bytes(world, buffer, (size_t)n);
}

/* read SLOT SIZE [AT] */
static void do_read(struct world *world, char **arg)
{
	int fd = fd_of(world, arg[0]);
	size_t size = size_of(arg[1]);

	say_read(world,
		 arg[2] ? pread(fd, buffer, size, word_number(arg[2])) : read(fd, buffer, size));
}

static void write_out(struct world *world, int fd, size_t size, const char *at)
{
	say_number(world, at ? pwrite(fd, buffer, size, word_number(at)) : write(fd, buffer, size));
}

/* write SLOT TEXT [AT] */
static void do_write(struct world *world, char **arg)
{
	size_t size = strlen(arg[1]);

	memcpy(buffer, arg[1], size);
	write_out(world, fd_of(world, arg[0]), size, arg[2]);
}

/* fill SLOT CHARACTER SIZE [AT] */
static void do_fill(struct world *world, char **arg)
{
	size_t size = size_of(arg[2]);

	memset(buffer, arg[1][0], size);
	write_out(world, fd_of(world, arg[0]), size, arg[3]);
}

/* writev SLOT TEXT TEXT [AT [FLAGS]] */
static void do_writev(struct world *world, char **arg)
{
	static const struct flag_name names[] = {
		{"APPEND", RWF_APPEND},
		{"DSYNC", RWF_DSYNC},
		{"NOWAIT", RWF_NOWAIT},
		{"HIPRI", RWF_HIPRI},
		{NULL, 0},
	};
	struct iovec parts[2] = {{arg[1], strlen(arg[1])}, {arg[2], strlen(arg[2])}};

	say_number(world,
		   pwritev2(fd_of(world, arg[0]), parts, 2, arg[3] ? word_number(arg[3]) : -1,
			    arg[3] ? (int)word_flags(names, arg[4]) : 0));
}

/* readv SLOT SIZE SIZE */
static void do_readv(struct world *world, char **arg)
{
	size_t one = size_of(arg[1]), two = size_of(arg[2]);
	struct iovec parts[2] = {{buffer, one}, {buffer + one, two}};

	say_read(world, readv(fd_of(world, arg[0]), parts, 2));
}

static const struct flag_name whences[] = {
	{"SET", SEEK_SET},   {"CUR", SEEK_CUR}, {"END", SEEK_END}, {"DATA", SEEK_DATA},
	{"HOLE", SEEK_HOLE}, {"BAD", 77},       {NULL, 0},
};

/* seek SLOT OFFSET WHENCE */
static void do_seek(struct world *world, char **arg)
{
	say_number(world, lseek(fd_of(world, arg[0]), word_number(arg[1]),
				(int)word_flags(whences, arg[2])));
}

/* truncate PATH|SLOT: SIZE */
static void do_truncate(struct world *world, char **arg)
{
	struct at at = word_at(world, arg[0]);
	off_t size = word_number(arg[1]);

	say_done(world, at.slot ? ftruncate(at.fd, size) : truncate(at.path, size));
}

static const struct flag_name falloc_modes[] = {
	{"KEEP", FALLOC_FL_KEEP_SIZE},
	{"PUNCH", FALLOC_FL_PUNCH_HOLE},
	{"ZERO", FALLOC_FL_ZERO_RANGE},
	{"COLLAPSE", FALLOC_FL_COLLAPSE_RANGE},
	{"INSERT", FALLOC_FL_INSERT_RANGE},
	{"UNSHARE", FALLOC_FL_UNSHARE_RANGE},
	{NULL, 0},
};

/* fallocate SLOT MODE OFFSET SIZE */
static void do_fallocate(struct world *world, char **arg)
{
	say_done(world, fallocate(fd_of(world, arg[0]), (int)word_flags(falloc_modes, arg[1]),
				  word_number(arg[2]), word_number(arg[3])));
}

static void do_fsync(struct world *world, char **arg)
{
	say_done(world, fsync(fd_of(world, arg[0])));
}

static void do_fdatasync(struct world *world, char **arg)
{
	say_done(world, fdatasync(fd_of(world, arg[0])));
}

static void do_syncfs(struct world *world, char **arg)
{
	say_done(world, syncfs(fd_of(world, arg[0])));
}

/* advise SLOT: that it will be needed, then that it will not */
static void do_advise(struct world *world, char **arg)
{
	int fd = fd_of(world, arg[0]);
	int r = posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED);

	errno = r ? r : posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	say_done(world, errno ? -1 : 0);
}

/* copyrange FROM TO SIZE [AT_FROM AT_TO] */
static void do_copyrange(struct world *world, char **arg)
{
	off_t from = arg[3] ? word_number(arg[3]) : 0, to = arg[4] ? word_number(arg[4]) : 0;

	say_number(world,
		   copy_file_range(fd_of(world, arg[0]), arg[3] ? &from : NULL,
				   fd_of(world, arg[1]), arg[4] ? &to : NULL, size_of(arg[2]), 0));
}

/* sendfile FROM TO SIZE */
static void do_sendfile(struct world *world, char **arg)
{
	say_number(world,
		   sendfile(fd_of(world, arg[1]), fd_of(world, arg[0]), NULL, size_of(arg[2])));
}

/* splice FROM TO SIZE: through a pipe */
static void do_splice(struct world *world, char **arg)
{
	ssize_t n;
	int ends[2];

	if (pipe(ends))
		broken("pipe: %m");
	n = splice(fd_of(world, arg[0]), NULL, ends[1], NULL, size_of(arg[2]), 0);
	if (n > 0)
		n = splice(ends[0], NULL, fd_of(world, arg[1]), NULL, (size_t)n, 0);
	say_number(world, n);
	close(ends[0]);
	close(ends[1]);
}

/* cat PATH: opens, reads all, closes */
static void do_cat(struct world *world, char **arg)
{
	struct at at = word_at(world, arg[0]);
	int fd = openat(at.fd, at.path, O_RDONLY | O_CLOEXEC);

	say_read(world, fd < 0 ? -1 : read(fd, buffer, BUFFER_SIZE));
	if (fd >= 0)
		close(fd);
}

/* put PATH TEXT: opens with O_CREAT and O_TRUNC, writes, closes */
static void do_put(struct world *world, char **arg)
{
	struct at at = word_at(world, arg[0]);
	int fd = openat(at.fd, at.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	say_number(world, fd < 0 ? -1 : write(fd, arg[1], strlen(arg[1])));
	if (fd >= 0)
		close(fd);
}

/* append PATH TEXT */
static void do_append(struct world *world, char **arg)
{
	struct at at = word_at(world, arg[0]);
	int fd = openat(at.fd, at.path, O_WRONLY | O_APPEND | O_CLOEXEC);

	say_number(world, fd < 0 ? -1 : write(fd, arg[1], strlen(arg[1])));
	if (fd >= 0)
		close(fd);
}

const struct verb verbs_data[] = {
	{"read", 2, 3, do_read},
	{"write", 2, 3, do_write},
	{"fill", 3, 4, do_fill},
	{"writev", 3, 5, do_writev},
	{"readv", 3, 3, do_readv},
	{"seek", 3, 3, do_seek},
	{"truncate", 2, 2, do_truncate},
	{"fallocate", 4, 4, do_fallocate},
	{"fsync", 1, 1, do_fsync},
	{"fdatasync", 1, 1, do_fdatasync},
	{"syncfs", 1, 1, do_syncfs},
	{"advise", 1, 1, do_advise},
	{"copyrange", 3, 5, do_copyrange},
	{"sendfile", 3, 3, do_sendfile},
	{"splice", 3, 3, do_splice},
	{"cat", 1, 1, do_cat},
	{"put", 2, 2, do_put},
	{"append", 2, 2, do_append},
	{NULL, 0, 0, NULL},
};
