/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "acl.h"
#include "words.h"

struct kind {
	const char *name;
	mode_t mode;    /* unless the line says one; 0: it takes none */
	size_t mode_at; /* the word that is the mode, the owner follows it; 0: none */
	int (*make)(const struct world *world, char **word);
};

static int write_all(const char *name, const void *data, size_t size)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, data, size);
	close(fd);
	return n == (ssize_t)size ? 0 : -1;
}

static int make_file(const struct world *world, char **word)
{
	const char *text = word[2] && word[3] && word[4] ? word[4] : "hello";

	(void)world;
	return write_all(word[1], text, strlen(text));
}

static int make_big(const struct world *world, char **word)
{
	size_t size = (size_t)word_number(word[2]);
	unsigned char *data = malloc(size);
	int r;

	(void)world;
	if (!data)
		return -1;
	for (size_t i = 0; i < size; i++)
		data[i] = (unsigned char)(1 + (i * 2654435761u >> 13) % 255);
	r = write_all(word[1], data, size);
	free(data);
	return r;
}

static int make_holes(const struct world *world, char **word)
{
	off_t size = word_number(word[2]);
	int fd;

	(void)world;
	if (write_all(word[1], "begin", 5))
		return -1;
	fd = open(word[1], O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (pwrite(fd, "end", 3, size - 3) != 3)
		size = -1;
	close(fd);
	return size < 0 ? -1 : 0;
}

static int make_dir(const struct world *world, char **word)
{
	(void)world;
	return mkdir(word[1], 0700);
}

static int make_symlink(const struct world *world, char **word)
{
	if (symlink(word[2], word[1]))
		return -1;
	return lchown(word[1], world->me->uid, world->me->gid);
}

static int make_hard(const struct world *world, char **word)
{
	(void)world;
	return link(word[2], word[1]);
}

static int make_fifo(const struct world *world, char **word)
{
	(void)world;
	return mkfifo(word[1], 0600);
}

static int make_socket(const struct world *world, char **word)
{
	(void)world;
	return mknod(word[1], S_IFSOCK | 0600, 0);
}

static int make_device(const struct world *world, char **word)
{
	dev_t dev = makedev(word_number(word[2]), word_number(word[3]));
	mode_t type = strcmp(word[0], "char") == 0 ? S_IFCHR : S_IFBLK;

	if (mknod(word[1], type | 0600, dev))
		return -1;
	return lchown(word[1], world->me->uid, world->me->gid);
}

static int make_script(const struct world *world, char **word)
{
	static const char text[] = "#!/bin/sh\necho ran\n";

	(void)world;
	return write_all(word[1], text, sizeof(text) - 1);
}

static int make_program(const struct world *world, char **word)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = open(word[1], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n;

	(void)world;
	while ((n = sendfile(to, from, NULL, 1 << 30)) > 0)
		;
	close(from);
	close(to);
	return (int)n;
}

static int make_xattr(const struct world *world, char **word)
{
	(void)world;
	return lsetxattr(word[1], word[2], word[3], strlen(word[3]), 0);
}

static int make_acl(const struct world *world, char **word)
{
	char data[ACL_SIZE_MAX];
	size_t size = acl_encode(world, word[3], data);

	return setxattr(word[1], strcmp(word[2], "default") == 0 ? ACL_DEFAULT : ACL_ACCESS, data,
			size, 0);
}

static int change_mode(const struct world *world, char **word)
{
	(void)world;
	return chmod(word[1], word_mode(word[2]));
}

static const struct kind kinds[] = {
	{"file", 0644, 2, make_file},     {"big", 0644, 3, make_big},
	{"holes", 0644, 3, make_holes},   {"dir", 0755, 2, make_dir},
	{"symlink", 0, 0, make_symlink},  {"hard", 0, 0, make_hard},
	{"fifo", 0644, 2, make_fifo},     {"socket", 0755, 2, make_socket},
	{"char", 0, 0, make_device},      {"block", 0, 0, make_device},
	{"script", 0755, 2, make_script}, {"program", 0755, 2, make_program},
	{"xattr", 0, 0, make_xattr},      {"acl", 0, 0, make_acl},
	{"mode", 0, 0, change_mode},
};

static void make_one(const struct world *world, const char *line)
{
	const struct kind *kind = kinds, *end = kinds + sizeof(kinds) / sizeof(*kinds);
	struct words words;
	char **word = words.word;
	uid_t uid = world->me->uid;
	gid_t gid = world->me->gid;
	mode_t mode;

	words_split(&words, line, world->base);
	while (kind < end && strcmp(kind->name, word[0]) != 0)
		kind++;
	if (kind == end || words.n < 2)
		broken("no such fixture: %s", line);
	if (kind->make(world, word))
		broken("%s: %m", line);
	if (kind->mode) {
		bool said = words.n > kind->mode_at;

		mode = said ? word_mode(word[kind->mode_at]) : kind->mode;
		if (words.n > kind->mode_at + 1)
			word_owner(world, word[kind->mode_at + 1], &uid, &gid);
		if (chown(word[1], uid, gid) || chmod(word[1], mode))
			broken("%s: %m", line);
	}
	words_free(&words);
}

static void set_time(const struct world *world, const char *line)
{
	static const struct timespec made[2] = {{.tv_sec = TIME_MADE}, {.tv_sec = TIME_MADE}};
	struct words words;

	words_split(&words, line, world->base);
	if (utimensat(AT_FDCWD, words.word[1], made, AT_SYMLINK_NOFOLLOW))
		broken("time of %s: %m", line);
	words_free(&words);
}

/* Backwards, for what is made in a directory changes its time. */
static void set_times(const struct world *world, const struct conform_case *c)
{
	for (size_t i = c->n_given; i-- > 0;)
		set_time(world, c->given[i]);
}

void fixture_make(const struct world *world, const struct conform_case *c)
{
	mode_t mask = umask(0);

	for (size_t i = 0; i < c->n_given; i++)
		make_one(world, c->given[i]);
	set_times(world, c);
	umask(mask);
}

/* A change that every overlay must copy the object up for, and that shows nowhere. */
static int change_nothing(const char *name)
{
	struct stat st;
	int fd;

	if (lstat(name, &st))
		return -1;
	if (S_ISLNK(st.st_mode))
		return lchown(name, st.st_uid, st.st_gid);
	if (!S_ISREG(st.st_mode))
		return chmod(name, st.st_mode & 07777);
	fd = open(name, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? -1 : 0;
}

void fixture_copy_up(const struct world *world, const struct conform_case *c)
{
	for (size_t i = 0; i < c->n_given; i++) {
		struct words words;

		words_split(&words, c->given[i], world->base);
		if (change_nothing(words.word[1]))
			broken("copy-up of %s: %m", c->given[i]);
		words_free(&words);
	}
	set_times(world, c);
}
