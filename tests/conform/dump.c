/* SPDX-License-Identifier: MIT */
#include "dump.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Deeper is what only a case of long paths makes. */
#define DEPTH_MAX 6

struct place {
	struct world *world;
	FILE *out;
	char path[PATH_MAX];
	size_t depth;
};

static void content(struct world *world, int dir, const char *name, const struct stat *st)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC);
	char *data = malloc((size_t)st->st_size + 1);
	ssize_t n = fd < 0 || !data ? -1 : read(fd, data, (size_t)st->st_size + 1);

	if (n < 0)
		say_done(world, -1);
	else
		say_bytes(world, data, (size_t)n);
	free(data);
	if (fd >= 0)
		close(fd);
}

static void target(struct world *world, int dir, const char *name)
{
	char text[PATH_MAX];
	ssize_t n = readlinkat(dir, name, text, sizeof(text));
	size_t base = strlen(world->base);

	if (n < 0) {
		say_done(world, -1);
		return;
	}
	if ((size_t)n >= base && memcmp(text, world->base, base) == 0) {
		say(world, "@");
		memmove(text, text + base, (size_t)n - base);
		n -= (ssize_t)base;
	}
	say_bytes(world, text, (size_t)n);
}

static void object(struct place *place, int dir, const char *name, const struct stat *st)
{
	struct world *world = place->world;

	world->n_said = 0;
	say(world, "~ ");
	say_bytes(world, place->path, strlen(place->path));
	say(world, " %s %04o ", type_name(st->st_mode), st->st_mode & 07777);
	say_owner(world, st->st_uid, st->st_gid);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		say(world, " rdev=%u:%u", major(st->st_rdev), minor(st->st_rdev));
	if (!S_ISDIR(st->st_mode))
		say(world, " nlink=%lu ", st->st_nlink);
	if (S_ISREG(st->st_mode))
		content(world, dir, name, st);
	if (S_ISLNK(st->st_mode))
		target(world, dir, name);
	fprintf(place->out, "%s\n", world->said);
}

static int by_name(const void *one, const void *two)
{
	return strcmp(*(char *const *)one, *(char *const *)two);
}

static size_t names_of(DIR *stream, char ***ret_names)
{
	char **names = NULL;
	size_t n = 0;
	struct dirent *entry;

	while ((entry = readdir(stream))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		names = realloc(names, (n + 1) * sizeof(*names));
		if (!names || !(names[n++] = strdup(entry->d_name)))
			broken("out of memory");
	}
	if (n)
		qsort(names, n, sizeof(*names), by_name);
	*ret_names = names;
	return n;
}

static void directory(struct place *place, int parent, const char *name);

static void entry(struct place *place, int dir, const char *name)
{
	size_t n = strlen(place->path);
	struct stat st;

	snprintf(place->path + n, sizeof(place->path) - n, "%s%s", n ? "/" : "", name);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW)) {
		fprintf(place->out, "~ %s %s\n", place->path, error_name(errno));
	} else {
		object(place, dir, name, &st);
		if (S_ISDIR(st.st_mode) && place->depth < DEPTH_MAX)
			directory(place, dir, name);
	}
	place->path[n] = 0;
}

static void directory(struct place *place, int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	char **names;
	size_t n;

	if (!stream) {
		fprintf(place->out, "~ %s: %s\n", place->path, error_name(errno));
		return;
	}
	place->depth++;
	n = names_of(stream, &names);
	for (size_t i = 0; i < n; i++) {
		entry(place, fd, names[i]);
		free(names[i]);
	}
	free(names);
	place->depth--;
	closedir(stream);
}

void dump_tree(struct world *world, FILE *out)
{
	struct place place = {.world = world, .out = out};

	directory(&place, AT_FDCWD, ".");
}
