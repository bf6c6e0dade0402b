/* SPDX-License-Identifier: MIT */
/* The words of a line, and what they stand for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define WORDS_MAX 12

struct world;

struct words {
	char *word[WORDS_MAX + 1]; /* those that are not there are NULL */
	size_t n;
	char *text; /* what they point into */
};

/*
 * Splits a line at spaces and expands: {x*9} to xxxxxxxxx, \n, \s (a space), \xHH, and a leading
 * "@" to the case's absolute path. An empty word is written "".
 */
void words_split(struct words *words, const char *line, const char *base);
void words_free(struct words *words);

/* A decimal number, with K or M. */
int64_t word_number(const char *word);
mode_t word_mode(const char *word);
/* "me", "other", "root", "group", a number, or "-" for none; of the person `me` is. */
void word_owner(const struct world *world, const char *word, uid_t *ret_uid, gid_t *ret_gid);
/* Its index, 0 to 25. */
size_t word_slot(const char *word);

struct flag_name {
	const char *name;
	uint64_t value;
};

/* Names joined by "|"; the list ends with a NULL name. NULL and "0" are none. */
uint64_t word_flags(const struct flag_name *names, const char *word);

/* A path, or SLOT:PATH below an open directory. */
struct at {
	int fd;
	const char *path;
	bool slot;
};

struct at word_at(const struct world *world, const char *word);
/* Flags of the *at calls: NOFOLLOW, FOLLOW, EMPTY, REMOVEDIR, EACCESS. */
int word_at_flags(const char *word);
