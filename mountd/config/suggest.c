/* SPDX-License-Identifier: MIT */
#include "config/suggest.h"

#include <string.h>

#define SUGGEST_WORD_MAX 32 /* longer words are no misspelt keys */
#define SUGGEST_DISTANCE_MAX 2

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Optimal string alignment distance; both at most SUGGEST_WORD_MAX long. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t d[SUGGEST_WORD_MAX + 1][SUGGEST_WORD_MAX + 1];

	for (size_t i = 0; i <= a_len; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= b_len; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		for (size_t j = 1; j <= b_len; j++) {
			size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;

			d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[a_len][b_len];
}

const char *suggest_nearest(const char *word, const char *const *candidates, size_t n)
{
	size_t len = strlen(word), best = SUGGEST_DISTANCE_MAX + 1;
	const char *nearest = NULL;

	if (len == 0 || len > SUGGEST_WORD_MAX)
		return NULL;
	if ((len + 1) / 2 < best)
		best = (len + 1) / 2;
	for (size_t i = 0; i < n; i++) {
		size_t candidate_len = strlen(candidates[i]), d;

		if (candidate_len > SUGGEST_WORD_MAX)
			continue;
		d = distance(word, len, candidates[i], candidate_len);
		if (d < best) {
			best = d;
			nearest = candidates[i];
		}
	}
	return nearest;
}
