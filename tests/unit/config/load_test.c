/* SPDX-License-Identifier: MIT */
/* Files, options and paths together, in a real directory. */
#include "config/load.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sys.h"
#include "config/check.h"
#include "support/scratch.h"

static char scratch[SCRATCH_SIZE];
static struct config config;
static struct mount_options options;
static const char *shares[4];
static char mountpoint[SCRATCH_SIZE + 32], store[SCRATCH_SIZE + 32];
static struct err err;

/* A path in the scratch directory, good for a while. */
static const char *at(const char *name)
{
	static char paths[32][SCRATCH_SIZE + 64];
	static unsigned int next;
	char *path = paths[next++ % 32];

	snprintf(path, sizeof(paths[0]), "%s/%s", scratch, name);
	return path;
}

static void write_file(const char *name, const char *format, ...)
{
	char text[1024];
	va_list args;
	FILE *file = fopen(at(name), "w");

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

static void begin(void)
{
	scratch_make(scratch);
	cr_assert_eq(mkdir(at("etc"), 0755), 0);
	cr_assert_eq(mkdir(at("etc/config.d"), 0755), 0);
	cr_assert_eq(mkdir(at("a"), 0755), 0);
	cr_assert_eq(mkdir(at("b"), 0755), 0);
	snprintf(mountpoint, sizeof(mountpoint), "%s", at("mnt"));
	snprintf(store, sizeof(store), "%s", at("store"));
	options = (struct mount_options){
		.mountpoint = mountpoint, .store = store, .shares = shares, .ready_fd = -1};
}

static void end(void)
{
	config_release(&config);
}

TestSuite(load, .init = begin, .fini = end);

static void share(const char *text)
{
	shares[options.n_shares++] = text;
}

static void load(void)
{
	cr_assert_eq(config_load(&options, at("etc"), &config, &err), 0, "%s", err.message);
}

static void refuse(enum err_code code, const char *part_of_message)
{
	cr_assert_eq(config_load(&options, at("etc"), &config, &err), -1);
	cr_assert_eq(err.code, code, "%s: %s", err_code_name(err.code), err.message);
	cr_assert(strstr(err.message, part_of_message), "%s", err.message);
}

Test(load, without_files_and_options_tmp_is_shared)
{
	options.mountpoint = "/run/nothing-here/sessionfs";
	options.store = "/var/lib/nothing-here";
	load();
	cr_assert_eq(config.n_shares, 1);
	cr_assert_str_eq(config.shares[0].path, "/tmp");
	cr_assert_str_eq(config.mountpoint, "/run/nothing-here/sessionfs");
}

Test(load, fragments_follow_the_main_file_in_byte_order)
{
	write_file("etc/config.json",
		   "{\"sessions\": {\"max_files\": 1, \"max_sessions\": 1},"
		   " \"shares\": [{\"path\": \"%s/a\"}]}",
		   scratch);
	write_file("etc/config.d/b.json", "{\"sessions\": {\"max_files\": 3}}");
	write_file("etc/config.d/B.json",
		   "{\"sessions\": {\"max_files\": 2, \"max_sessions\": 2}}");
	write_file("etc/config.d/c.conf", "not read");
	write_file("etc/config.d/.d.json", "not read");
	load();
	cr_assert_eq(config.max_files, 3);
	cr_assert_eq(config.max_sessions, 2);
}

Test(load, an_error_in_a_fragment_names_it)
{
	write_file("etc/config.d/x.json", "{\n \"stor\": 1}");
	refuse(ERR_VALIDATION_ERROR, "config.d/x.json, line 2, column 2");
}

Test(load, config_option_is_read_alone)
{
	write_file("etc/config.json", "broken");
	write_file("mine.json", "{\"shares\": [{\"path\": \"%s/b\"}]}", scratch);
	options.config_file = at("mine.json");
	load();
	cr_assert_eq(config.n_shares, 1);
	cr_assert_str_eq(config.shares[0].path, at("b"));
}

Test(load, a_config_option_that_is_not_there_is_not_found)
{
	options.config_file = at("none.json");
	refuse(ERR_NOT_FOUND, "none.json");
}

Test(load, options_win_over_files_and_replace_their_shares)
{
	write_file("etc/config.json",
		   "{\"store\": \"/elsewhere\", \"mountpoint\": \"/elsewhere2\","
		   " \"shares\": [{\"path\": \"%s/a\"}, {\"path\": \"%s/nope\"}]}",
		   scratch, scratch);
	share(at("b"));
	options.no_passthrough = true;
	load();
	cr_assert_str_eq(config.store, store);
	cr_assert_str_eq(config.mountpoint, mountpoint);
	cr_assert_eq(config.n_shares, 1);
	cr_assert_str_eq(config.shares[0].path, at("b"));
	cr_assert(config.no_passthrough);
}

Test(load, symlinks_of_all_paths_are_resolved)
{
	cr_assert_eq(symlink("b", at("link")), 0);
	cr_assert_eq(symlink("a", at("other")), 0);
	options.store = at("other/s");
	options.mountpoint = at("other/m/x");
	share(at("link"));
	load();
	cr_assert_str_eq(config.shares[0].path, at("b"));
	cr_assert_str_eq(config.store, at("a/s"));
	cr_assert_str_eq(config.mountpoint, at("a/m/x"));
}

Test(load, dots_in_options_lead_up_as_far_as_paths_exist)
{
	options.store = at("a/../b/s");
	share(at("a"));
	load();
	cr_assert_str_eq(config.store, at("b/s"));
	config_release(&config);
	options.store = at("none/../s");
	refuse(ERR_VALIDATION_ERROR, "--store");
}

Test(load, a_share_must_be_a_directory_that_exists)
{
	share(at("nope"));
	refuse(ERR_NOT_FOUND, "--share");
	write_file("file", "x");
	shares[0] = at("file");
	refuse(ERR_PRECONDITION_FAILED, "not a directory");
}

Test(load, a_missing_share_of_a_file_is_told_with_its_place)
{
	write_file("etc/config.json", "{\n \"shares\": [\n  {\"path\": \"%s/nope\"}]}", scratch);
	refuse(ERR_NOT_FOUND, "config.json, line 3, column 3");
}

Test(load, shares_must_not_lie_in_one_another_nor_be_the_same)
{
	cr_assert_eq(mkdir(at("a/inner"), 0755), 0);
	cr_assert_eq(symlink("a", at("alias")), 0);
	share(at("a/inner"));
	share(at("a"));
	refuse(ERR_PRECONDITION_FAILED, "nested shares");
	shares[0] = at("a");
	shares[1] = at("alias");
	refuse(ERR_VALIDATION_ERROR, "given twice");
	shares[1] = at("a");
	refuse(ERR_VALIDATION_ERROR, "given twice");
}

Test(load, store_and_mount_point_must_not_get_in_the_way)
{
	share(at("a"));
	options.store = at("a/store");
	refuse(ERR_PRECONDITION_FAILED, "lies inside the share");
	options.store = scratch;
	options.mountpoint = "/run/nothing-here";
	refuse(ERR_PRECONDITION_FAILED, "lies inside the store");
	options.store = store;
	options.mountpoint = scratch;
	refuse(ERR_PRECONDITION_FAILED, "below the mount point");
	options.mountpoint = at("a");
	refuse(ERR_PRECONDITION_FAILED, "below the mount point");
	options.mountpoint = at("store/mnt");
	refuse(ERR_PRECONDITION_FAILED, "inside the store");
}

Test(load, a_mount_point_inside_a_share_is_fine)
{
	share(at("a"));
	options.mountpoint = at("a/mnt");
	load();
}

Test(load, a_sibling_whose_name_begins_alike_is_not_inside)
{
	cr_assert_eq(mkdir(at("ab"), 0755), 0);
	share(at("a"));
	share(at("ab"));
	options.store = at("abc");
	load();
	cr_assert_eq(config.n_shares, 2);
}

Test(load, names_of_the_mount_itself_are_reserved)
{
	static const char *const reserved[] = {"self",    "sessions",    "locks",
					       "metrics", "events",      "ctl",
					       "x.json",  "status.json", "whoami.json"};

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		cr_assert(share_name_reserved(reserved[i]), "%s", reserved[i]);
	cr_assert_not(share_name_reserved("tmp"));
	cr_assert_not(share_name_reserved("session"));
	cr_assert_not(share_name_reserved("locks2"));
}
