/* SPDX-License-Identifier: MIT */
/*
 * The process in which a case is played: who he is, what he has open, and what he says.
 *
 * Descriptors, directory streams and maps are in slots, named a to z. What a call gave is said in
 * words that are the same on every file system: errors by name, owners by their part in the case,
 * inode numbers in the order in which they were met.
 */
#pragma once

#include <dirent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#define N_SLOTS 26
#define N_SEEN 64
/* The times of all fixtures: long ago, so that what is new shows. */
#define TIME_MADE 1000000000

/* In the order of the bits of conform_case.who. */
enum person_name { PERSON_ROOT, PERSON_USER, PERSON_GROUP, PERSON_OTHER, N_PERSONS };

struct person {
	const char *name;
	uid_t uid;
	gid_t gid;
	gid_t group; /* a supplementary one; 0: none */
};

extern const struct person persons[N_PERSONS];

/* The owner of nobody's part, and the supplementary group. */
#define UID_OTHER 4321
#define GID_SHARED 777

struct map {
	char *at;
	size_t size;
};

struct world {
	const struct person *me;
	const char *base; /* absolute path of the case's directory */
	int fd[N_SLOTS];
	DIR *dir[N_SLOTS];
	struct map map[N_SLOTS];
	struct {
		dev_t dev;
		ino_t ino;
	} seen[N_SEEN];
	size_t n_seen;
	char said[16384];
	size_t n_said;
};

void world_init(struct world *world, const struct person *me, const char *base);
/* Closes what a case left open. */
void world_release(struct world *world);
/* Changes the calling process to that person, for good. */
void person_become(const struct person *person);
/* The same, but it can change again: root stays its saved user, which counts nowhere. */
void person_act_as(const struct person *person);
const struct person *person_find(const char *name);

/* Does one line of a case, with its words expanded; what it gave is in world->said. */
void world_do(struct world *world, const char *line);

/* Appends to what is said. */
void say(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "ok" or the name of errno. */
void say_done(struct world *world, long result);
/* The number, or the name of errno. */
void say_number(struct world *world, long result);
/* Bytes as they are, but those that are no printable ASCII. */
void say_text(struct world *world, const void *bytes, size_t size);
/* Bytes: short ones as they are, others by size and hash. */
void say_bytes(struct world *world, const void *bytes, size_t size);
void say_owner(struct world *world, uid_t uid, gid_t gid);
void say_time(struct world *world, const struct timespec *at);
void say_stat(struct world *world, const struct stat *st);

const char *type_name(mode_t mode);
/* Name of an errno value. */
const char *error_name(int error);
/* Ends the program: the case, not the file system, is wrong. */
void broken(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
