/* SPDX-License-Identifier: MIT */
#include "lock/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

struct lock_facts *facts_new(const struct lock_record *record, const char *share_path,
			     const struct facts_moment *moment)
{
	size_t path_size = strlen(share_path) + 1 + strlen(record->path) + 1;
	struct lock_facts *facts = calloc(1, sizeof(*facts) + path_size);
	bool stale = record->flags & LOCK_STALE;

	if (!facts)
		return NULL;
	facts->size = sizeof(*facts) + path_size;
	facts->idiom = (enum lock_idiom)record->idiom;
	facts->stale = stale;
	facts->external = record->flags & LOCK_EXTERNAL;
	facts->alive = moment->alive;
	facts->uid = record->uid;
	facts->pid = record->creator.pid;
	facts->token = record->token;
	facts->acquired_real_ns = record->acquired_real_ns;
	if (moment->now_boot_ns > record->acquired_boot_ns)
		facts->held_ms = (moment->now_boot_ns - record->acquired_boot_ns) / NSEC_PER_MSEC;
	facts->waiters = moment->waiters;
	facts->retry_after_ms = stale ? 0 : moment->retry_after_ms;
	memcpy(facts->session_id, record->session_id, sizeof(facts->session_id));
	memcpy(facts->run_id, record->run_id, sizeof(facts->run_id));
	memcpy(facts->comm, record->comm, sizeof(facts->comm));
	memcpy(facts->command, record->command, sizeof(facts->command));
	memcpy(facts->cwd, record->cwd, sizeof(facts->cwd));
	/* A share of "/" has no name to put before. */
	snprintf(facts->host_path, path_size, "%s/%s", share_path[1] ? share_path : "",
		 record->path);
	return facts;
}

struct lock_facts *facts_copy(const struct lock_facts *facts)
{
	struct lock_facts *copy = malloc(facts->size);

	if (copy)
		memcpy(copy, facts, facts->size);
	return copy;
}
