/* SPDX-License-Identifier: MIT */
/*
 * "Did you mean": the known word nearest to a mistyped one. Pure.
 */
#pragma once

#include <stddef.h>

struct nearest {
	const char *word;     /* what was typed */
	const char *best;     /* NULL: nothing is near enough */
	size_t best_distance; /* undefined while best is NULL */
};

static inline struct nearest nearest_begin(const char *word)
{
	return (struct nearest){.word = word};
}
/* Considers one candidate (kept by reference). */
void nearest_consider(struct nearest *nearest, const char *candidate);

/* Edits (insert, delete, replace, swap of neighbours) from a to b; words over 63 bytes: SIZE_MAX. */
size_t nearest_distance(const char *a, const char *b);
