/* SPDX-License-Identifier: MIT */
/* A configuration file of any bytes: read, or refused by an error that names a place in it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/draft.h"

#define NAME "conf.json"

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check(const struct config *config)
{
	must(config->n_shares <= SHARES_MAX);
	must(config->max_sessions >= 1 && config->max_sessions <= CONFIG_MAX_SESSIONS);
	for (size_t i = 0; i < config->n_shares; i++)
		must(config->shares[i].path && config->shares[i].path[0] == '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = {0};
	struct draft draft;

	must(draft_init(&draft, &err) == 0);
	if (draft_read_text(&draft, NAME, (const char *)data, size, &err) == 0) {
		check(&draft.config);
	} else {
		must(err.code == ERR_VALIDATION_ERROR || err.code == ERR_PRECONDITION_FAILED);
		must(strncmp(err.message, NAME, strlen(NAME)) == 0);
	}
	draft_release(&draft);
	return 0;
}
