/* SPDX-License-Identifier: MIT */
#include "supervisor/twin.h"

#include <criterion/criterion.h>

#include "config/share.h"

static struct config config;
static struct share_config shares[2];
static char mountpoint[] = "/m", store[] = "/s";

static void begin(void)
{
	struct err err;

	for (size_t i = 0; i < 2; i++) {
		share_init(&shares[i]);
		cr_assert_eq(share_set_path(&shares[i], i ? "/b" : "/a", &err), 0);
	}
	config = (struct config){.mountpoint = mountpoint,
				 .store = store,
				 .shares = shares,
				 .n_shares = 2,
				 .idle_ttl_ns = 7,
				 .max_sessions = 3};
}

static void end(void)
{
	share_release(&shares[0]);
	share_release(&shares[1]);
}

/* What differs once `change` has been made. */
static const char *difference(void (*change)(void))
{
	static char text[200];
	json_t *before, *after;
	struct buf names = {0};

	begin();
	before = twin_render(&config);
	change();
	after = twin_render(&config);
	cr_assert_eq(twin_differs(before, after, &names), names.len > 0);
	snprintf(text, sizeof(text), "%s", names.data ? names.data : "");
	buf_release(&names);
	json_decref(before);
	json_decref(after);
	end();
	return text;
}

static void nothing(void)
{
}

static void foreground(void)
{
	config.foreground = true;
}

static void lock_rule(void)
{
	struct err err;

	share_add_lock(&shares[1], "*.x", &err);
}

static void two_things(void)
{
	config.max_files = 1;
	config.no_passthrough = true;
}

Test(twin, equal_configurations_do_not_differ)
{
	cr_assert_str_eq(difference(nothing), "");
	cr_assert_str_eq(difference(foreground), "");
}

Test(twin, differences_are_named)
{
	cr_assert_str_eq(difference(lock_rule), "shares");
	cr_assert_str_eq(difference(two_things), "sessions.max_files, passthrough");
}
