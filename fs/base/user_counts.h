/* SPDX-License-Identifier: MIT */
/*
 * How many of something each user has, for limits that keep one user from taking all.
 *
 * Root is not counted: there is nobody to be protected from it. Users without any are forgotten.
 * Not thread-safe: whoever owns the counts has a mutex.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct user_count;

struct user_counts {
	struct user_count *users; /* few, in no order */
	size_t n_users;
};

/* One more of that user's. 0 or -ENOMEM. */
int user_counts_add(struct user_counts *counts, uint32_t uid);
/* One less; nothing where he has none. */
void user_counts_remove(struct user_counts *counts, uint32_t uid);
/* Whether the user has that many; false for root. */
bool user_counts_reached(const struct user_counts *counts, uint32_t uid, uint32_t max);
void user_counts_release(struct user_counts *counts);
