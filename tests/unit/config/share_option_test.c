/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "config/share.h"

static struct share_config share;
static struct err err;

static void release(void)
{
	share_release(&share);
}

TestSuite(share_option, .fini = release);

static void parse(const char *text)
{
	cr_assert_eq(share_parse_option(text, &share, &err), 0, "%s", err.message);
}

static void refuse(const char *text, const char *part_of_message)
{
	cr_assert_eq(share_parse_option(text, &share, &err), -1, "%s", text);
	cr_assert_eq(err.code, ERR_VALIDATION_ERROR);
	cr_assert(strstr(err.message, "--share"), "%s", err.message);
	cr_assert(strstr(err.message, part_of_message), "%s", err.message);
}

Test(share_option, a_path_alone_is_an_overlay)
{
	parse("/srv//cache/");
	cr_assert_str_eq(share.path, "/srv/cache");
	cr_assert_eq(share.mode, SHARE_OVERLAY);
	cr_assert_eq(share.lock.count, 0);
	cr_assert_eq(share.lower_fd, -1);
	cr_assert_not(share.stale_report);
}

Test(share_option, every_part_is_read_and_lists_keep_their_order)
{
	parse("/x,mode=direct,lock=*.lck,lock=!a.lck,merge=**/settings.json,passthrough=ssh-*,"
	      "lock_timeout_ms=1500,stale=report");
	cr_assert_eq(share.mode, SHARE_DIRECT);
	cr_assert_eq(share.lock.count, 2);
	cr_assert_str_eq(share.lock.items[0], "*.lck");
	cr_assert_str_eq(share.lock.items[1], "!a.lck");
	cr_assert_str_eq(share.merge.items[0], "**/settings.json");
	cr_assert_str_eq(share.passthrough.items[0], "ssh-*");
	cr_assert_eq(share.lock_timeout_ms, 1500);
	cr_assert(share.stale_report);
}

Test(share_option, an_escaped_comma_belongs_to_its_part)
{
	parse("/a\\,b,lock=x\\,y");
	cr_assert_str_eq(share.path, "/a,b");
	cr_assert_eq(share.lock.count, 1);
	cr_assert_str_eq(share.lock.items[0], "x\\,y");
}

Test(share_option, a_relative_path_is_below_the_working_directory)
{
	cr_assert_eq(chdir("/usr"), 0);
	parse("lib");
	cr_assert_str_eq(share.path, "/usr/lib");
}

Test(share_option, a_path_with_dots_is_what_it_leads_to)
{
	parse("/usr/lib/../bin,mode=direct");
	cr_assert_str_eq(share.path, "/usr/bin");
	share_release(&share);
	cr_assert_eq(chdir("/usr/lib"), 0);
	parse("../bin");
	cr_assert_str_eq(share.path, "/usr/bin");
	share_release(&share);
	parse("/srv/..a");
	cr_assert_str_eq(share.path, "/srv/..a");
}

Test(share_option, errors_name_the_offending_part)
{
	refuse("/x,mode=overlya", "mode=overlya");
	cr_assert(strstr(err.suggestion, "\"overlay\""), "%s", err.suggestion);
	refuse("/x,lock=[a", "lock=[a");
	refuse("/x,lock=", "empty");
	refuse("/x,lock", "lock=...");
	refuse("/x,lock=/abs", "relative to the share");
	refuse("/x,merge=!", "merge=!");
	refuse("/x,passthrough=!a", "cannot exclude");
	refuse("/x,lcok=a", "lcok=a");
	cr_assert(strstr(err.suggestion, "lock="), "%s", err.suggestion);
	refuse("/x,lock_timeout_ms=-1", "whole number");
	refuse("/x,lock_timeout_ms=99999999999999999999", "between");
	refuse("/x,stale=never", "stale=never");
	refuse("/x,", "empty part");
	refuse("", "path is missing");
	refuse("/", "\"/\"");
	refuse("/no/such/../b", "..");
}
