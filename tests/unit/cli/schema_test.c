/* SPDX-License-Identifier: MIT */
#include "cli/schema.h"

#include <criterion/criterion.h>
#include <string.h>

#include "cli/verb.h"

Test(schema, every_verb_is_in_the_manifest)
{
	json_t *manifest = schema_manifest();
	json_t *commands = json_object_get(manifest, "commands");
	size_t i;

	for (i = 0; verbs[i]; i++)
		cr_assert(json_object_get(commands, verbs[i]->name), "%s", verbs[i]->name);
	cr_assert_eq(json_object_size(commands), i);
	json_decref(manifest);
}

Test(schema, what_may_be_retried_has_changed_nothing)
{
	json_t *manifest = schema_manifest(), *command, *entry;
	const char *name, *code;

	json_object_foreach(json_object_get(manifest, "commands"), name, command)
	{
		json_object_foreach(json_object_get(command, "exit_codes"), code, entry)
		{
			const char *effects =
				json_string_value(json_object_get(entry, "side_effects"));

			if (json_is_true(json_object_get(entry, "retryable")))
				cr_assert_str_eq(effects, "none", "%s %s", name, code);
		}
	}
	json_decref(manifest);
}

Test(schema, where_an_exit_code_says_too_little_it_points_to_the_envelope)
{
	json_t *manifest = schema_manifest();
	json_t *commands = json_object_get(manifest, "commands");
	json_t *run = json_object_get(json_object_get(commands, "run"), "exit_codes");
	json_t *wait = json_object_get(json_object_get(commands, "wait"), "exit_codes");
	const char *text;

	text = json_string_value(json_object_get(json_object_get(run, "4"), "description"));
	cr_assert(strstr(text, "error.retryable"), "%s", text);
	cr_assert_leq(strlen(text), 120);
	/* Waiting changes nothing. */
	cr_assert(json_is_true(json_object_get(json_object_get(wait, "10"), "retryable")));
	json_decref(manifest);
}

Test(schema, the_etag_is_stable)
{
	json_t *first = schema_manifest(), *second = schema_manifest();

	cr_assert(json_equal(first, second));
	cr_assert_eq(strlen(json_string_value(json_object_get(first, "etag"))), 16);
	json_decref(first);
	json_decref(second);
}
