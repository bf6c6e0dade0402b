/* SPDX-License-Identifier: MIT */
#include "cli/nearest.h"

#include <stdint.h>
#include <string.h>

#define WORD_MAX 63

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t nearest_distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *previous = rows[1], *current = rows[2];
	size_t a_len = strlen(a), b_len = strlen(b);

	if (a_len > WORD_MAX || b_len > WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_len; j++)
		previous[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *spare = before;

		current[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t replaced = previous[j - 1] + (a[i - 1] != b[j - 1]);
			size_t best = min_size(previous[j], current[j - 1]) + 1;

			best = min_size(best, replaced);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = min_size(best, before[j - 2] + 1);
			current[j] = best;
		}
		before = previous;
		previous = current;
		current = spare;
	}
	return previous[b_len];
}

void nearest_consider(struct nearest *nearest, const char *candidate)
{
	size_t typed = strlen(nearest->word);
	size_t distance = nearest_distance(nearest->word, candidate);
	/* A short word may differ by one edit only, or anything would be near to anything. */
	size_t allowed = typed <= 3 ? 1 : typed <= 6 ? 2 : 3;

	if (typed >= 3 && strncmp(nearest->word, candidate, typed) == 0)
		distance = min_size(distance, 1);
	if (distance > allowed)
		return;
	if (!nearest->best || distance < nearest->best_distance) {
		nearest->best = candidate;
		nearest->best_distance = distance;
	}
}
