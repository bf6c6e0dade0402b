/* SPDX-License-Identifier: MIT */
/*
 * Fencing tokens: one counter for all locks, that never goes back.
 *
 * It is in the arena, where it outlives a worker. On disk is a bound that no token given out has
 * reached: raised by a block before the counter comes near, so that giving a token costs no write.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "lock/table.h"

#define TOKENS_BLOCK 1000
#define TOKENS_STATE "tokens"

static int read_bound(struct locks *locks, uint64_t *ret_bound)
{
	_cleanup_free_ void *data = NULL;
	size_t len;
	int r = store_state_read(locks->setup.store, TOKENS_STATE, &data, &len);

	if (r == -ENOENT) {
		*ret_bound = 1;
		return 0;
	}
	if (r == 0 && len == sizeof(*ret_bound)) {
		memcpy(ret_bound, data, sizeof(*ret_bound));
		return 0;
	}
	if (r < 0 && r != -EBADMSG)
		return r;
	/* No token was ever given faster than one a millisecond since 1970. */
	*ret_bound = clock_real_ns() / NSEC_PER_MSEC;
	log_warning("the fencing tokens' file is damaged: tokens go on at %llu",
		    (unsigned long long)*ret_bound);
	return 0;
}

int tokens_load(struct locks *locks)
{
	struct arena_globals *globals = locks->setup.globals;
	uint64_t bound;
	int r;

	if (atomic_load(&globals->fencing_next) != 0)
		return 0;
	r = read_bound(locks, &bound);
	if (r < 0)
		return r;
	/* Nothing is reserved yet: the first claim does that. */
	atomic_store(&globals->fencing_reserved, bound);
	atomic_store(&globals->fencing_next, bound);
	return 0;
}

/* Writes a new bound, outside the mutex; one thread at a time. */
static int reserve_block(struct locks *locks)
{
	struct arena_globals *globals = locks->setup.globals;
	uint64_t bound = atomic_load(&globals->fencing_reserved) + TOKENS_BLOCK;
	int r;

	locks->tokens_reserving = true;
	pthread_mutex_unlock(&locks->mutex);
	r = store_state_write(locks->setup.store, TOKENS_STATE, &bound, sizeof(bound));
	if (r < 0)
		log_warning("cannot reserve fencing tokens: %s", strerror(-r));
	pthread_mutex_lock(&locks->mutex);
	locks->tokens_reserving = false;
	if (r == 0)
		atomic_store(&globals->fencing_reserved, bound);
	pthread_cond_broadcast(&locks->tokens_reserved);
	return r;
}

static uint64_t tokens_left(const struct locks *locks)
{
	uint64_t next = atomic_load(&locks->setup.globals->fencing_next);
	uint64_t reserved = atomic_load(&locks->setup.globals->fencing_reserved);

	return reserved > next ? reserved - next : 0;
}

int tokens_prepare(struct locks *locks, uint64_t low)
{
	int r = 0;

	pthread_mutex_lock(&locks->mutex);
	while (r == 0 && tokens_left(locks) < low) {
		if (!locks->tokens_reserving)
			r = reserve_block(locks);
		else if (tokens_left(locks) > low / 2)
			break; /* another thread is at it, and there are enough until then */
		else
			pthread_cond_wait(&locks->tokens_reserved, &locks->mutex);
	}
	/* A full disk is no reason to refuse while there are tokens. */
	if (r < 0 && tokens_left(locks) > low / 2)
		r = 0;
	pthread_mutex_unlock(&locks->mutex);
	return r;
}

uint64_t token_take_locked(struct locks *locks)
{
	return atomic_fetch_add(&locks->setup.globals->fencing_next, 1);
}
