/* SPDX-License-Identifier: MIT */
#include "base/user_counts.h"

#include <errno.h>
#include <stdlib.h>

struct user_count {
	uint32_t uid;
	uint32_t count;
};

static struct user_count *find(const struct user_counts *counts, uint32_t uid)
{
	for (size_t i = 0; i < counts->n_users; i++)
		if (counts->users[i].uid == uid)
			return &counts->users[i];
	return NULL;
}

int user_counts_add(struct user_counts *counts, uint32_t uid)
{
	struct user_count *user = find(counts, uid), *grown;

	if (uid == 0)
		return 0;
	if (user) {
		user->count++;
		return 0;
	}
	grown = reallocarray(counts->users, counts->n_users + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	counts->users = grown;
	grown[counts->n_users++] = (struct user_count){.uid = uid, .count = 1};
	return 0;
}

void user_counts_remove(struct user_counts *counts, uint32_t uid)
{
	struct user_count *user = find(counts, uid);

	if (user && --user->count == 0)
		*user = counts->users[--counts->n_users];
}

bool user_counts_reached(const struct user_counts *counts, uint32_t uid, uint32_t max)
{
	const struct user_count *user = uid ? find(counts, uid) : NULL;

	return user && user->count >= max;
}

void user_counts_release(struct user_counts *counts)
{
	free(counts->users);
	*counts = (struct user_counts){0};
}
