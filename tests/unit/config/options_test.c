/* SPDX-License-Identifier: MIT */
#include "config/options.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct mount_options options;
static struct err err;

static void release(void)
{
	mount_options_release(&options);
}

TestSuite(options, .fini = release);

#define PARSE(...) parse((const char *const[]){"sessionfsd", __VA_ARGS__, NULL})

static int parse(const char *const *words)
{
	int argc = 0;

	while (words[argc])
		argc++;
	mount_options_release(&options);
	return mount_options_parse(argc, (char **)(uintptr_t)words, &options, &err);
}

Test(options, values_may_stand_apart_or_after_an_equals_sign)
{
	cr_assert_eq(PARSE("/m", "--store", "/s", "--share=/a,mode=empty", "--share", "/b",
			   "--config=/c", "--foreground", "--no-passthrough"),
		     0, "%s", err.message);
	cr_assert_str_eq(options.mountpoint, "/m");
	cr_assert_str_eq(options.store, "/s");
	cr_assert_str_eq(options.config_file, "/c");
	cr_assert_eq(options.n_shares, 2);
	cr_assert_str_eq(options.shares[0], "/a,mode=empty");
	cr_assert_str_eq(options.shares[1], "/b");
	cr_assert(options.foreground);
	cr_assert(options.no_passthrough);
	cr_assert_eq(options.ready_fd, -1);
}

Test(options, mistakes_name_the_option)
{
	cr_assert_eq(PARSE("--stor", "/s"), -1);
	cr_assert_eq(err.code, ERR_VALIDATION_ERROR);
	cr_assert(strstr(err.message, "--stor"));
	cr_assert(strstr(err.suggestion, "--store"));
	cr_assert_eq(PARSE("--store"), -1);
	cr_assert(strstr(err.message, "--store needs a value"), "%s", err.message);
	cr_assert_eq(PARSE("--store", "--foreground"), -1);
	cr_assert_eq(PARSE("--store="), -1);
	cr_assert_eq(PARSE("--foreground=yes"), -1);
	cr_assert(strstr(err.message, "takes no value"));
	cr_assert_eq(PARSE("/a", "/b"), -1);
	cr_assert(strstr(err.message, "/b"));
	cr_assert_eq(PARSE("-f"), -1);
	cr_assert_eq(PARSE("--ready-fd", "999"), -1);
	cr_assert_eq(PARSE(""), -1);
}

Test(options, what_stands_after_two_dashes_is_a_mount_point)
{
	cr_assert_eq(PARSE("--", "--m"), 0);
	cr_assert_str_eq(options.mountpoint, "--m");
}

Test(options, handed_on_they_mean_the_same)
{
	struct mount_options again;
	char **argv;
	int argc = 0;

	cr_assert_eq(PARSE("--store=--odd", "--share", "/a", "--foreground", "--ready-fd", "2"), 0,
		     "%s", err.message);
	argv = mount_options_argv(&options, "prog");
	cr_assert_not_null(argv);
	cr_assert_str_eq(argv[0], "prog");
	while (argv[argc])
		argc++;
	cr_assert_eq(mount_options_parse(argc, argv, &again, &err), 0, "%s", err.message);
	cr_assert_null(again.mountpoint);
	cr_assert_str_eq(again.store, "--odd");
	cr_assert_eq(again.n_shares, 1);
	cr_assert_str_eq(again.shares[0], "/a");
	cr_assert_eq(again.ready_fd, 2);
	cr_assert(again.foreground);
	cr_assert_not(again.no_passthrough);
	mount_options_release(&again);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	free(argv);
}
