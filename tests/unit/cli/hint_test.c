/* SPDX-License-Identifier: MIT */
#include "cli/hint.h"

#include <criterion/criterion.h>

static void becomes(const char *mountpoint, const char *text, const char *wanted)
{
	_cleanup_buf_ struct buf buf = {0};

	hint_add(&buf, mountpoint, text);
	cr_assert_str_eq(buf.data, wanted);
}

Test(hint, each_command_names_the_instance)
{
	becomes("/mnt", "Make it: sessionfs create a, or see what there is: sessionfs ls",
		"Make it: sessionfs create --mountpoint /mnt a, or see what there is: "
		"sessionfs ls --mountpoint /mnt");
	becomes("/a b", "Remove sessions (sessionfs ls, sessionfs rm SESSION)",
		"Remove sessions (sessionfs ls --mountpoint '/a b', "
		"sessionfs rm --mountpoint '/a b' SESSION)");
}

Test(hint, what_needs_no_instance_stays)
{
	static const char *const texts[] = {
		"See: sessionfs ls --help",
		"Did you mean `sessionfs ls`? All verbs: sessionfs --help",
		"Mount it: sessionfs mount",
		"Mount it anew: sessionfs umount --force /mnt",
		"no sessionfs is mounted",
		"",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		becomes("/mnt", texts[i], texts[i]);
	becomes(NULL, "sessionfs ls", "sessionfs ls");
}

Test(hint, an_error_without_a_suggestion_stays_as_it_is)
{
	json_t *error = json_pack("{s:s}", "code", "NOT_FOUND");

	hint_in_error("/mnt", error);
	cr_assert_eq(json_object_size(error), 1);
	json_object_set_new(error, "suggestion", json_string("sessionfs ls"));
	hint_in_error("/mnt", error);
	cr_assert_str_eq(json_string_value(json_object_get(error, "suggestion")),
			 "sessionfs ls --mountpoint /mnt");
	hint_in_error("/mnt", NULL);
	json_decref(error);
}
