/* SPDX-License-Identifier: MIT */
#include "config/draft.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "config/share.h"

int draft_init(struct draft *draft, struct err *err)
{
	*draft = (struct draft){
		.config =
			{
				.idle_ttl_ns = 24ULL * 3600 * NSEC_PER_SEC,
				.max_bytes = 0,
				.max_files = 0,
				.max_sessions = 100000,
			},
	};
	draft->config.mountpoint = strdup(CONFIG_DEFAULT_MOUNTPOINT);
	draft->config.store = strdup(CONFIG_DEFAULT_STORE);
	draft->config.shares = calloc(SHARES_MAX, sizeof(*draft->config.shares));
	if (!draft->config.mountpoint || !draft->config.store || !draft->config.shares) {
		draft_release(draft);
		return err_set(err, ERR_INTERNAL_ERROR, "out of memory");
	}
	return 0;
}

void draft_release(struct draft *draft)
{
	for (size_t i = 0; i < SHARES_MAX; i++)
		free(draft->origins[i]);
	config_release(&draft->config);
	*draft = (struct draft){0};
}

void draft_begin_source(struct draft *draft)
{
	draft->source++;
}

void draft_drop_shares(struct draft *draft)
{
	for (size_t i = 0; i < draft->config.n_shares; i++) {
		share_release(&draft->config.shares[i]);
		free(draft->origins[i]);
		draft->origins[i] = NULL;
	}
	draft->config.n_shares = 0;
}

static size_t share_find(const struct config *config, const char *path)
{
	size_t i = 0;

	while (i < config->n_shares && strcmp(config->shares[i].path, path) != 0)
		i++;
	return i;
}

int draft_put_share_consume(struct draft *draft, struct share_config *share, const char *origin,
			    struct err *err)
{
	struct config *config = &draft->config;
	size_t place = share_find(config, share->path);
	char *copy = strdup(origin);

	if (!copy) {
		err_set(err, ERR_INTERNAL_ERROR, "out of memory");
		goto fail;
	}
	if (place < config->n_shares && draft->sources[place] == draft->source) {
		err_set(err, ERR_VALIDATION_ERROR, "share %.256s is given twice", share->path);
		goto fail;
	}
	if (place >= SHARES_MAX) {
		err_set(err, ERR_VALIDATION_ERROR, "more than %d shares", SHARES_MAX);
		goto fail;
	}
	if (place < config->n_shares) {
		share_release(&config->shares[place]);
		free(draft->origins[place]);
	} else {
		config->n_shares++;
	}
	config->shares[place] = *share;
	draft->origins[place] = copy;
	draft->sources[place] = draft->source;
	share_init(share);
	return 0;
fail:
	free(copy);
	share_release(share);
	return -1;
}
