/* SPDX-License-Identifier: MIT */
#include "base/config.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct string_list list_of(const char *item)
{
	struct string_list list = {.items = calloc(1, sizeof(char *)), .count = 1};

	list.items[0] = strdup(item);
	return list;
}

Test(config, releasing_frees_all_and_closes_the_lowers)
{
	int fd = open("/", O_PATH | O_CLOEXEC);
	struct config config = {
		.mountpoint = strdup("/m"),
		.store = strdup("/s"),
		.shares = calloc(2, sizeof(struct share_config)),
		.n_shares = 2,
		.identify_environment = list_of("A"),
	};

	config.shares[0] = (struct share_config){
		.path = strdup("/tmp"),
		.lock = list_of("*.lock"),
		.merge = list_of("a.json"),
		.passthrough = list_of("ssh-*"),
		.lower_fd = fd,
	};
	config.shares[1] = (struct share_config){.path = strdup("/var"), .lower_fd = -1};
	cr_assert_str_eq(share_relative(&config.shares[0]), "tmp");
	config_release(&config);
	cr_assert_eq(fcntl(fd, F_GETFD), -1);
	cr_assert_null(config.shares);
	cr_assert_eq(config.n_shares, 0);
}

Test(config, releasing_twice_or_what_was_never_filled_is_harmless)
{
	struct config config = {0};

	config_release(&config);
	config_release(&config);
}

Test(config, modes_have_the_names_of_the_configuration)
{
	cr_assert_str_eq(share_mode_name(SHARE_OVERLAY), "overlay");
	cr_assert_str_eq(share_mode_name(SHARE_EMPTY), "empty");
	cr_assert_str_eq(share_mode_name(SHARE_DIRECT), "direct");
}
