/* SPDX-License-Identifier: MIT */
#include "lock/loss.h"

#include <stdlib.h>

static void drop(struct losses *losses, size_t at)
{
	struct loss *loss = losses->entries[at];

	losses->entries[at] = NULL;
	if (loss)
		free(loss->facts);
	free(loss);
}

void losses_note_consume(struct losses *losses, const struct loss *loss)
{
	struct loss *noted = loss->facts ? malloc(sizeof(*noted)) : NULL;

	if (!noted) {
		free(loss->facts);
		return;
	}
	*noted = *loss;
	drop(losses, losses->next);
	losses->entries[losses->next] = noted;
	losses->next = (losses->next + 1) % LOSSES_MAX;
}

const struct loss *losses_of_run(const struct losses *losses, uint32_t run)
{
	for (size_t back = 1; run && back <= LOSSES_MAX; back++) {
		size_t at = (losses->next + LOSSES_MAX - back) % LOSSES_MAX;

		if (losses->entries[at] && losses->entries[at]->holder.run == run)
			return losses->entries[at];
	}
	return NULL;
}

bool losses_take_removal(struct losses *losses, const struct conflict_actor *actor, uint64_t hash)
{
	for (size_t at = 0; at < LOSSES_MAX; at++) {
		struct loss *loss = losses->entries[at];

		if (!loss || !loss->removal_due || loss->hash != hash ||
		    !conflict_same_actor(&loss->holder, actor))
			continue;
		loss->removal_due = false;
		return true;
	}
	return false;
}

void losses_run_ended(struct losses *losses, uint32_t run)
{
	for (size_t at = 0; at < LOSSES_MAX; at++)
		if (losses->entries[at] && losses->entries[at]->holder.run == run)
			drop(losses, at);
}

void losses_release(struct losses *losses)
{
	for (size_t at = 0; at < LOSSES_MAX; at++)
		drop(losses, at);
}
