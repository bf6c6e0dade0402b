/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "verbs.h"
#include "words.h"

const struct person persons[N_PERSONS] = {
	[PERSON_ROOT] = {"root", 0, 0, 0},
	[PERSON_USER] = {"user", 1234, 1234, 0},
	[PERSON_GROUP] = {"group", 1234, 1234, GID_SHARED},
	[PERSON_OTHER] = {"stranger", UID_OTHER, UID_OTHER, 0},
};

void broken(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	fprintf(stderr, "conform: ");
	vfprintf(stderr, format, list);
	fprintf(stderr, "\n");
	va_end(list);
	exit(2);
}

void world_init(struct world *world, const struct person *me, const char *base)
{
	memset(world, 0, sizeof(*world));
	world->me = me;
	world->base = base;
	for (size_t i = 0; i < N_SLOTS; i++)
		world->fd[i] = -1;
}

void world_release(struct world *world)
{
	for (size_t i = 0; i < N_SLOTS; i++) {
		if (world->fd[i] >= 0)
			close(world->fd[i]);
		if (world->dir[i])
			closedir(world->dir[i]);
		if (world->map[i].at)
			munmap(world->map[i].at, world->map[i].size);
	}
}

const struct person *person_find(const char *name)
{
	for (size_t i = 0; i < N_PERSONS; i++)
		if (strcmp(persons[i].name, name) == 0)
			return &persons[i];
	return NULL;
}

void person_become(const struct person *person)
{
	if (setgroups(person->group ? 1 : 0, &person->group) ||
	    setresgid(person->gid, person->gid, person->gid) ||
	    setresuid(person->uid, person->uid, person->uid))
		broken("cannot become %s: %m", person->name);
}

void person_act_as(const struct person *person)
{
	if (setresuid(-1, 0, 0) || setgroups(person->group ? 1 : 0, &person->group) ||
	    setresgid(person->gid, person->gid, 0) || setresuid(person->uid, person->uid, 0))
		broken("cannot act as %s: %m", person->name);
}

static const struct verb *verb_find(const char *name)
{
	static const struct verb *const families[] = {
		verbs_open, verbs_data, verbs_name,    verbs_attr,  verbs_xattr, verbs_dir,
		verbs_lock, verbs_map,  verbs_process, verbs_event, NULL,
	};

	for (size_t i = 0; families[i]; i++)
		for (const struct verb *verb = families[i]; verb->name; verb++)
			if (strcmp(verb->name, name) == 0)
				return verb;
	broken("no such verb: %s", name);
}

void world_do(struct world *world, const char *line)
{
	struct words words;
	const struct verb *verb;

	words_split(&words, line, world->base);
	verb = verb_find(words.word[0]);
	if (words.n - 1 < verb->min || words.n - 1 > verb->max)
		broken("%u to %u words: %s", verb->min, verb->max, line);
	world->n_said = 0;
	verb->run(world, words.word + 1);
	words_free(&words);
}

void say(struct world *world, const char *format, ...)
{
	size_t left = sizeof(world->said) - world->n_said;
	va_list list;
	int n;

	va_start(list, format);
	n = vsnprintf(world->said + world->n_said, left, format, list);
	va_end(list);
	world->n_said += (size_t)n < left ? (size_t)n : left - 1;
}

const char *error_name(int error)
{
	const char *name = strerrorname_np(error);

	return name ? name : "an unknown error";
}

void say_done(struct world *world, long result)
{
	say(world, "%s", result < 0 ? error_name(errno) : "ok");
}

void say_number(struct world *world, long result)
{
	if (result < 0)
		say_done(world, result);
	else
		say(world, "%ld", result);
}

static uint64_t hash_of(const unsigned char *data, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ data[i]) * 0x100000001b3;
	return hash;
}

void say_text(struct world *world, const void *bytes, size_t size)
{
	const unsigned char *data = bytes;

	for (size_t i = 0; i < size; i++)
		say(world, data[i] < 32 || data[i] > 126 ? "\\x%02x" : "%c", data[i]);
}

void say_bytes(struct world *world, const void *bytes, size_t size)
{
	const unsigned char *data = bytes;

	if (size > 60) {
		say(world, "%zu bytes #%016lx", size, hash_of(data, size));
		return;
	}
	say(world, "\"");
	say_text(world, data, size);
	say(world, "\"");
}

static void say_id(struct world *world, uint32_t id, uint32_t mine)
{
	if (id == mine)
		say(world, "me");
	else if (id == 0)
		say(world, "root");
	else if (id == UID_OTHER)
		say(world, "other");
	else if (id == GID_SHARED)
		say(world, "group");
	else
		say(world, "%u", id);
}

void say_owner(struct world *world, uid_t uid, gid_t gid)
{
	say_id(world, uid, world->me->uid);
	say(world, ":");
	say_id(world, gid, world->me->gid);
}

void say_time(struct world *world, const struct timespec *at)
{
	time_t now = time(NULL);

	if (at->tv_sec == TIME_MADE && at->tv_nsec == 0)
		say(world, "made");
	else if (at->tv_sec >= now - 600 && at->tv_sec <= now + 1)
		say(world, "now");
	else
		say(world, "%lld.%09ld", (long long)at->tv_sec, at->tv_nsec);
}

const char *type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "dir";
	case S_IFLNK:
		return "symlink";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	case S_IFCHR:
		return "char";
	case S_IFBLK:
		return "block";
	default:
		return "nothing";
	}
}

/* The number of an inode in this case. */
static size_t seen(struct world *world, const struct stat *st)
{
	size_t i = 0;

	while (i < world->n_seen &&
	       (world->seen[i].dev != st->st_dev || world->seen[i].ino != st->st_ino))
		i++;
	if (i == N_SEEN)
		broken("more than %u inodes in a case", N_SEEN);
	if (i == world->n_seen) {
		world->seen[i].dev = st->st_dev;
		world->seen[i].ino = st->st_ino;
		world->n_seen++;
	}
	return i + 1;
}

void say_stat(struct world *world, const struct stat *st)
{
	say(world, "%s %04o ", type_name(st->st_mode), st->st_mode & 07777);
	say_owner(world, st->st_uid, st->st_gid);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		say(world, " rdev=%u:%u", major(st->st_rdev), minor(st->st_rdev));
	if (!S_ISDIR(st->st_mode))
		say(world, " size=%lld nlink=%lu", (long long)st->st_size, st->st_nlink);
	say(world, " ino=#%zu mtime=", seen(world, st));
	say_time(world, &st->st_mtim);
}
