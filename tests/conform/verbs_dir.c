/* SPDX-License-Identifier: MIT */
/* Directories: listing, and where one stands. What is listed is said sorted. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "verbs.h"

#define NAMES_MAX 4096

struct names {
	char *name[NAMES_MAX];
	size_t n;
};

static void names_add(struct names *names, const char *name)
{
	if (names->n == NAMES_MAX)
		broken("more than %u names", NAMES_MAX);
	names->name[names->n++] = strdup(name);
}

static int by_name(const void *one, const void *two)
{
	return strcmp(*(char *const *)one, *(char *const *)two);
}

/* Says them sorted; or their number and whether one came twice. */
static void names_say_and_free(struct world *world, struct names *names)
{
	bool twice = false;

	if (names->n)
		qsort(names->name, names->n, sizeof(*names->name), by_name);
	for (size_t i = 0; i < names->n; i++) {
		twice |= i && strcmp(names->name[i - 1], names->name[i]) == 0;
		if (names->n > 24)
			continue;
		say_text(world, names->name[i], strlen(names->name[i]));
		say(world, " ");
	}
	say(world, "(%zu)%s", names->n, twice ? " some twice" : "");
	for (size_t i = 0; i < names->n; i++)
		free(names->name[i]);
	free(names);
}

static struct names *names_new(void)
{
	struct names *names = calloc(1, sizeof(*names));

	if (!names)
		broken("out of memory");
	return names;
}

static void read_into(struct names *names, DIR *stream, size_t most, bool types)
{
	struct dirent *entry;
	char text[NAME_MAX + 16];

	for (size_t i = 0; i < most && (entry = readdir(stream)); i++) {
		text[0] = 0;
		if (types)
			strcpy(text, type_name(DTTOIF(entry->d_type)));
		if (types)
			strcat(text, ":");
		names_add(names, strcat(text, entry->d_name));
	}
}

/* ls PATH: with types */
static void do_ls(struct world *world, char **arg)
{
	struct at at = word_at(world, arg[0]);
	int fd = openat(at.fd, at.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct names *names;

	if (!stream) {
		say_done(world, -1);
		return;
	}
	names = names_new();
	read_into(names, stream, SIZE_MAX, true);
	closedir(stream);
	names_say_and_free(world, names);
}

/* opendir SLOT PATH: a stream; the slot is not one of descriptors */
static void do_opendir(struct world *world, char **arg)
{
	struct at at = word_at(world, arg[1]);
	int fd = openat(at.fd, at.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR **stream = &world->dir[word_slot(arg[0])];

	*stream = fd < 0 ? NULL : fdopendir(fd);
	say_done(world, *stream ? 0 : -1);
}

static DIR *stream_of(const struct world *world, const char *slot)
{
	DIR *stream = world->dir[word_slot(slot)];

	if (!stream)
		broken("no directory in slot %s", slot);
	return stream;
}

/* skip SLOT COUNT: reads so many entries, whichever they are */
static void do_skip(struct world *world, char **arg)
{
	int64_t n = 0, most = word_number(arg[1]);

	while (n < most && readdir(stream_of(world, arg[0])))
		n++;
	say_number(world, n);
}

/* rest SLOT: reads to the end */
static void do_rest(struct world *world, char **arg)
{
	struct names *names = names_new();

	errno = 0;
	read_into(names, stream_of(world, arg[0]), SIZE_MAX, false);
	if (errno)
		say(world, "%s ", error_name(errno));
	names_say_and_free(world, names);
}

/* rewind SLOT */
static void do_rewind(struct world *world, char **arg)
{
	rewinddir(stream_of(world, arg[0]));
	say(world, "ok");
}

static bool names_equal(const struct names *one, const struct names *two)
{
	if (one->n != two->n)
		return false;
	for (size_t i = 0; i < one->n; i++)
		if (strcmp(one->name[i], two->name[i]) != 0)
			return false;
	return true;
}

/* reseek SLOT COUNT: what follows the first COUNT entries is the same after seekdir() to there */
static void do_reseek(struct world *world, char **arg)
{
	DIR *stream = stream_of(world, arg[0]);
	struct names *first = names_new(), *second = names_new();
	long where;

	rewinddir(stream);
	for (int64_t i = 0; i < word_number(arg[1]); i++)
		(void)readdir(stream);
	where = telldir(stream);
	read_into(first, stream, SIZE_MAX, false);
	seekdir(stream, where);
	read_into(second, stream, SIZE_MAX, false);
	say(world, "%s, ", names_equal(first, second) ? "the same" : "another order");
	names_say_and_free(world, second);
	for (size_t i = 0; i < first->n; i++)
		free(first->name[i]);
	free(first);
}

static void do_closedir(struct world *world, char **arg)
{
	say_done(world, closedir(stream_of(world, arg[0])));
	world->dir[word_slot(arg[0])] = NULL;
}

/* fill_dir PATH COUNT: makes empty files n0, n1, ... in it */
static void do_fill_dir(struct world *world, char **arg)
{
	struct at at = word_at(world, arg[0]);
	int dir = openat(at.fd, at.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), made = 0, fd;
	char name[32];

	for (int64_t i = 0; i < word_number(arg[1]); i++) {
		snprintf(name, sizeof(name), "n%lld", (long long)i);
		fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd < 0)
			break;
		close(fd);
		made++;
	}
	say_number(world, made);
	close(dir);
}

/* empty_dir PATH: removes all that is in it, while reading it */
static void do_empty_dir(struct world *world, char **arg)
{
	struct at at = word_at(world, arg[0]);
	int fd = openat(at.fd, at.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	long removed = 0;

	while (stream && (entry = readdir(stream)))
		if (unlinkat(fd, entry->d_name, 0) == 0)
			removed++;
	say_number(world, stream ? removed : -1);
	if (stream)
		closedir(stream);
}

/* getdents SLOT SIZE: of a descriptor; whether something came */
static void do_getdents(struct world *world, char **arg)
{
	_Alignas(8) char entries[4096];
	long n = syscall(SYS_getdents64, world->fd[word_slot(arg[0])], entries,
			 (size_t)word_number(arg[1]));

	if (n > 0)
		say(world, "some");
	else
		say_number(world, n);
}

/* chdir PATH|SLOT: */
static void do_chdir(struct world *world, char **arg)
{
	struct at at = word_at(world, arg[0]);

	say_done(world, at.slot ? fchdir(at.fd) : chdir(at.path));
}

static void do_getcwd(struct world *world, char **arg)
{
	char path[PATH_MAX];
	size_t base = strlen(world->base);

	(void)arg;
	if (!getcwd(path, sizeof(path)))
		say_done(world, -1);
	else if (strncmp(path, world->base, base) == 0)
		say(world, "@%s", path + base);
	else
		say(world, "elsewhere: %s", path);
}

const struct verb verbs_dir[] = {
	{"ls", 1, 1, do_ls},
	{"opendir", 2, 2, do_opendir},
	{"skip", 2, 2, do_skip},
	{"rest", 1, 1, do_rest},
	{"rewind", 1, 1, do_rewind},
	{"reseek", 2, 2, do_reseek},
	{"closedir", 1, 1, do_closedir},
	{"fill_dir", 2, 2, do_fill_dir},
	{"empty_dir", 1, 1, do_empty_dir},
	{"getdents", 2, 2, do_getdents},
	{"chdir", 1, 1, do_chdir},
	{"getcwd", 0, 0, do_getcwd},
	{NULL, 0, 0, NULL},
};
