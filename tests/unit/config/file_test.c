/* SPDX-License-Identifier: MIT */
/* The text of a configuration file: what each key takes, and how mistakes are told. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"
#include "config/draft.h"

static struct draft draft;
static struct err err;

static void begin(void)
{
	cr_assert_eq(draft_init(&draft, &err), 0);
}

static void end(void)
{
	draft_release(&draft);
}

TestSuite(file, .init = begin, .fini = end);

static void take(const char *text)
{
	cr_assert_eq(draft_read_text(&draft, "conf.json", text, strlen(text), &err), 0, "%s",
		     err.message);
}

/* The whole message, so that a wrong line or column fails. */
static void refuse(const char *text, const char *message)
{
	cr_assert_eq(draft_read_text(&draft, "conf.json", text, strlen(text), &err), -1, "%s",
		     text);
	cr_assert_eq(err.code, ERR_VALIDATION_ERROR);
	cr_assert_str_eq(err.message, message);
}

Test(file, every_key_of_the_contract_is_read)
{
	const struct config *config = &draft.config;
	const struct share_config *share;

	take("{\"mountpoint\": \"/run/x\", \"store\": \"/var/lib/x/\","
	     " \"shares\": [{\"path\": \"/tmp\", \"mode\": \"direct\","
	     "   \"lock\": [\"*.lock\", \"!**/.git/**\"], \"merge\": [\"**/settings.json\"],"
	     "   \"passthrough\": [\".X11-unix\"], \"lock_timeout_ms\": 250, \"stale\": \"report\"}],"
	     " \"identify\": {\"environment\": [\"CI_JOB\", \"${A}.${B}\"]},"
	     " \"sessions\": {\"idle_ttl\": \"90m\", \"max_bytes\": \"10G\", \"max_files\": 7,"
	     "   \"max_sessions\": 5}}");
	share = &config->shares[0];
	cr_assert_str_eq(config->mountpoint, "/run/x");
	cr_assert_str_eq(config->store, "/var/lib/x");
	cr_assert_eq(config->n_shares, 1);
	cr_assert_str_eq(share->path, "/tmp");
	cr_assert_eq(share->mode, SHARE_DIRECT);
	cr_assert_eq(share->lock.count, 2);
	cr_assert_str_eq(share->lock.items[1], "!**/.git/**");
	cr_assert_str_eq(share->merge.items[0], "**/settings.json");
	cr_assert_str_eq(share->passthrough.items[0], ".X11-unix");
	cr_assert_eq(share->lock_timeout_ms, 250);
	cr_assert(share->stale_report);
	cr_assert_eq(config->identify_environment.count, 2);
	cr_assert_str_eq(config->identify_environment.items[1], "${A}.${B}");
	cr_assert_eq(config->idle_ttl_ns, 5400 * NSEC_PER_SEC);
	cr_assert_eq(config->max_bytes, 10ULL << 30);
	cr_assert_eq(config->max_files, 7);
	cr_assert_eq(config->max_sessions, 5);
}

Test(file, what_is_not_named_has_its_default)
{
	take("{}");
	cr_assert_str_eq(draft.config.mountpoint, CONFIG_DEFAULT_MOUNTPOINT);
	cr_assert_str_eq(draft.config.store, CONFIG_DEFAULT_STORE);
	cr_assert_eq(draft.config.n_shares, 0);
	cr_assert_eq(draft.config.idle_ttl_ns, 86400 * NSEC_PER_SEC);
	cr_assert_eq(draft.config.max_bytes, 0);
	cr_assert_eq(draft.config.max_sessions, 100000);
}

Test(file, a_later_file_overrides_key_by_key)
{
	take("{\"store\": \"/a\", \"sessions\": {\"max_files\": 1, \"max_sessions\": 2},"
	     " \"identify\": {\"environment\": [\"A\", \"B\"]}}");
	take("{\"sessions\": {\"max_files\": 9}, \"identify\": {\"environment\": [\"C\"]}}");
	cr_assert_str_eq(draft.config.store, "/a");
	cr_assert_eq(draft.config.max_files, 9);
	cr_assert_eq(draft.config.max_sessions, 2);
	cr_assert_eq(draft.config.identify_environment.count, 1);
	cr_assert_str_eq(draft.config.identify_environment.items[0], "C");
}

Test(file, a_later_share_of_the_same_path_replaces_in_place_others_append)
{
	take("{\"shares\": [{\"path\": \"/a\", \"lock\": [\"x\"]}, {\"path\": \"/b\"}]}");
	take("{\"shares\": [{\"path\": \"/c\"}, {\"path\": \"/a/\", \"mode\": \"empty\"}]}");
	cr_assert_eq(draft.config.n_shares, 3);
	cr_assert_str_eq(draft.config.shares[0].path, "/a");
	cr_assert_eq(draft.config.shares[0].mode, SHARE_EMPTY);
	cr_assert_eq(draft.config.shares[0].lock.count, 0);
	cr_assert_str_eq(draft.config.shares[1].path, "/b");
	cr_assert_str_eq(draft.config.shares[2].path, "/c");
}

Test(file, syntax_errors_have_line_and_column)
{
	const char *text = "{\n  \"store\": \"/a\"\n  \"shares\": []\n}";

	cr_assert_eq(draft_read_text(&draft, "conf.json", text, strlen(text), &err), -1);
	cr_assert_eq(strncmp(err.message, "conf.json, line 3, column ", 26), 0, "%s", err.message);
}

Test(file, an_unknown_key_is_told_where_it_stands_and_what_was_meant)
{
	refuse("{\n  \"stroe\": \"/a\"\n}", "conf.json, line 2, column 3: unknown key \"stroe\"");
	cr_assert_str_eq(err.suggestion, "Did you mean \"store\"?");
	refuse("{\"shares\": [{\"path\": \"/a\"},\n {\"path\": \"/b\", \"locks\": []}]}",
	       "conf.json, line 2, column 17: unknown key \"locks\"");
	cr_assert_str_eq(err.suggestion, "Did you mean \"lock\"?");
	refuse("{\"zzzzzzzz\": 1}", "conf.json, line 1, column 2: unknown key \"zzzzzzzz\"");
	cr_assert_str_eq(err.suggestion, "");
}

Test(file, wrong_types_are_told_at_the_value)
{
	refuse("[]", "conf.json, line 1, column 1: must be an object, not an array");
	refuse("{\"store\":\n 5}",
	       "conf.json, line 2, column 2: store: must be a string, not a number");
	refuse("{\"shares\": {}}",
	       "conf.json, line 1, column 12: shares: must be an array, not an object");
	refuse("{\"shares\": [\"/tmp\"]}",
	       "conf.json, line 1, column 13: shares[0]: must be an object, not a string");
	refuse("{\"shares\": [{\"path\": \"/a\", \"lock\": [\"a\", null]}]}",
	       "conf.json, line 1, column 42: shares[0].lock[1]: must be a string, not null");
	refuse("{\"sessions\": {\"max_files\": 1.5}}",
	       "conf.json, line 1, column 28: "
	       "sessions.max_files: must be a whole number, "
	       "not a fraction");
}

Test(file, wrong_values_are_told_at_the_value)
{
	refuse("{\"sessions\":\n  {\"max_bytes\": \"10GB\"}}",
	       "conf.json, line 2, column 17: sessions.max_bytes: \"10GB\" is not a size such as "
	       "\"10G\": a number of bytes, or one with K, M, G, T or P (powers of 1024)");
	refuse("{\"sessions\": {\"idle_ttl\": \"soon\"}}",
	       "conf.json, line 1, column 27: sessions.idle_ttl: \"soon\" is not a duration such as "
	       "\"24h\" or \"90m\"");
	refuse("{\"sessions\": {\"max_sessions\": 0}}",
	       "conf.json, line 1, column 31: sessions.max_sessions: must be between 1 and 1000000");
	refuse("{\"sessions\": {\"max_files\": -1}}",
	       "conf.json, line 1, column 28: sessions.max_files: must be between 0 and "
	       "9223372036854775807");
	refuse("{\"store\": \"var/lib\"}",
	       "conf.json, line 1, column 11: store: \"var/lib\" is not "
	       "an absolute path without \"..\"");
	refuse("{\"shares\": [{\"path\": \"/a\", \"mode\": \"ovelay\"}]}",
	       "conf.json, line 1, column 36: shares[0].mode: \"ovelay\" is none of overlay, empty, "
	       "direct");
	refuse("{\"identify\": {\"environment\": [\"A B\"]}}",
	       "conf.json, line 1, column 31: identify.environment[0]: \"A B\": it is no name of a "
	       "variable");
}

Test(file, bad_globs_are_told_at_the_glob)
{
	refuse("{\"shares\": [{\"path\": \"/a\",\n\"lock\": [\"ok\", \"/x\"]}]}",
	       "conf.json, line 2, column 16: shares[0].lock[1]: bad glob \"/x\": globs are relative "
	       "to the share");
	refuse("{\"shares\": [{\"path\": \"/a\", \"merge\": [\"\"]}]}",
	       "conf.json, line 1, column 38: shares[0].merge[0]: bad glob \"\": it is empty");
}

Test(file, a_share_needs_a_path_and_only_one_entry)
{
	refuse("{\"shares\": [{\"mode\": \"empty\"}]}",
	       "conf.json, line 1, column 13: shares[0]: the key \"path\" is missing");
	refuse("{\"shares\": [{\"path\": \"/a\"},\n{\"path\": \"/a/\"}]}",
	       "conf.json, line 2, column 1: shares[1]: share /a is given twice");
	refuse("{\"shares\": [{\"path\": \"/\"}]}",
	       "conf.json, line 1, column 22: shares[0].path: \"/\" cannot be a share");
}
