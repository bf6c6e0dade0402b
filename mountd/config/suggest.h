/* SPDX-License-Identifier: MIT */
/*
 * "Did you mean": the known word nearest to a misspelt one.
 */
#pragma once

#include <stddef.h>

/*
 * The candidate with the smallest edit distance (insert, delete, replace, swap of neighbours), at
 * most 2 and less than half the word's length rounded up. The first of equals. NULL: none is near.
 */
const char *suggest_nearest(const char *word, const char *const *candidates, size_t n);
