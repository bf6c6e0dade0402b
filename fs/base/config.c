/* SPDX-License-Identifier: MIT */
#include "base/config.h"

#include <stdlib.h>

#include "base/cleanup.h"

static void string_list_release(struct string_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct string_list){0};
}

void config_release(struct config *config)
{
	for (size_t i = 0; i < config->n_shares; i++) {
		struct share_config *share = &config->shares[i];

		free(share->path);
		string_list_release(&share->lock);
		string_list_release(&share->merge);
		string_list_release(&share->passthrough);
		cleanup_close(&share->lower_fd);
	}
	free(config->shares);
	free(config->mountpoint);
	free(config->store);
	string_list_release(&config->identify_environment);
	*config = (struct config){0};
}

const char *share_mode_name(enum share_mode mode)
{
	static const char *const names[] = {
		[SHARE_OVERLAY] = "overlay",
		[SHARE_EMPTY] = "empty",
		[SHARE_DIRECT] = "direct",
	};

	return names[mode];
}
