/* SPDX-License-Identifier: MIT */
#include "cli/schema.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "cli/args.h"
#include "cli/help.h"
#include "cli/output.h"

static const char *const danger_names[] = {
	[VERB_SAFE] = "safe",
	[VERB_MUTATING] = "mutating",
	[VERB_DESTRUCTIVE] = "destructive",
};

static const char *flag_type(enum option_kind kind)
{
	switch (kind) {
	case OPTION_FLAG:
		return "boolean";
	case OPTION_LIST:
		return "array";
	case OPTION_INTEGER:
		return "integer";
	case OPTION_CHOICE:
	case OPTION_FLAG_CHOICE:
		return "enum";
	case OPTION_TEXT:
	case OPTION_DURATION:
		break;
	}
	return "string";
}

static json_t *flag_entry(const struct option_spec *spec)
{
	json_t *entry = json_object();
	char letter[2] = {spec->letter, 0};

	json_object_set_new(entry, "type", json_string(flag_type(spec->kind)));
	json_object_set_new(entry, "required", json_false());
	json_object_set_new(entry, "description", json_string(spec->help));
	if (spec->fallback)
		json_object_set_new(entry, "default", json_string(spec->fallback));
	if (spec->choices) {
		json_t *values = json_array();

		for (size_t i = 0; spec->choices[i]; i++)
			json_array_append_new(values, json_string(spec->choices[i]));
		json_object_set_new(entry, "enum_values", values);
	}
	if (spec->letter)
		json_object_set_new(entry, "short", json_string(letter));
	return entry;
}

static json_t *flags_object(const struct verb *verb)
{
	json_t *flags = json_object();

	for (const struct option_spec *o = args_global_options; o->name; o++) {
		const char *name = o->name;

		if (strcmp(name, "version") != 0 && strcmp(name, "schema") != 0)
			json_object_set_new(flags, name, flag_entry(o));
	}
	for (const struct option_spec *o = verb->options; o && o->name; o++)
		json_object_set_new(flags, o->name, flag_entry(o));
	return flags;
}

/*
 * What a failed call left behind. Everything is checked before anything is done; only a failure
 * without a code of its own, a part and a time-out can come in the middle.
 */
static const char *side_effects(const struct verb *verb, int code)
{
	if (verb->danger == VERB_SAFE)
		return "none";
	switch (code) {
	case EXIT_CODE_OK:
		return "complete";
	case EXIT_CODE_OTHER:
	case EXIT_CODE_PARTIAL:
	case EXIT_CODE_TIMEOUT:
		return "partial";
	case EXIT_CODE_PRECONDITION:
	case EXIT_CODE_CONFLICT:
		/* COMMAND ran until it met the conflict. */
		return verb->command_follows ? "partial" : "none";
	default:
		return "none";
	}
}

/*
 * What may have had effects is never called so here: of a run that met a held lock its envelope tells
 * what sessionfs saw.
 */
static bool is_retryable(const struct verb *verb, int code)
{
	return code == EXIT_CODE_UNAVAILABLE ||
	       (code == EXIT_CODE_TIMEOUT && verb->danger == VERB_SAFE);
}

static const char *exit_text(const struct verb *verb, int code)
{
	if (code == EXIT_CODE_PRECONDITION && verb->command_follows)
		return "A held lock or a limit stood in the way; retryable if error.retryable of the "
		       "envelope says so.";
	return help_exit_code((enum exit_code)code);
}

static json_t *exit_entry(const char *name, const char *description, bool retryable,
			  const char *effects)
{
	json_t *entry = json_object();

	if (name)
		json_object_set_new(entry, "name", json_string(name));
	json_object_set_new(entry, "description", json_string(description));
	json_object_set_new(entry, "retryable", json_boolean(retryable));
	json_object_set_new(entry, "side_effects", json_string(effects));
	return entry;
}

static json_t *exits_object(const struct verb *verb)
{
	json_t *exits = json_object();

	for (int code = 0; code < 32; code++) {
		bool listed = code <= EXIT_CODE_VALIDATION || (verb->exits & (1u << code));
		char key[12];

		if (!listed)
			continue;
		snprintf(key, sizeof(key), "%d", code);
		json_object_set_new(exits, key,
				    exit_entry(NULL, exit_text(verb, code),
					       is_retryable(verb, code), side_effects(verb, code)));
	}
	if (verb->command_follows) {
		json_object_set_new(exits, "126",
				    exit_entry("COMMAND_NOT_EXECUTABLE",
					       "COMMAND cannot be executed.", false, "none"));
		json_object_set_new(exits, "127",
				    exit_entry("COMMAND_NOT_FOUND", "COMMAND is not found.", false,
					       "none"));
	}
	return exits;
}

static json_t *command_entry(const struct verb *verb)
{
	json_t *entry = json_object();

	json_object_set_new(entry, "description", json_string(verb->summary));
	json_object_set_new(entry, "danger_level", json_string(danger_names[verb->danger]));
	json_object_set_new(entry, "flags", flags_object(verb));
	json_object_set_new(entry, "exit_codes", exits_object(verb));
	if (verb->examples) {
		json_t *examples = json_array();

		for (const struct verb_example *e = verb->examples; e->description; e++)
			json_array_append_new(examples,
					      json_pack("{s:s, s:s}", "description", e->description,
							"command", e->command));
		json_object_set_new(entry, "examples", examples);
	}
	return entry;
}

json_t *schema_manifest(void)
{
	json_t *manifest = json_object(), *commands = json_object();
	_cleanup_buf_ struct buf text = {0};
	char etag[20] = "";

	for (size_t i = 0; verbs[i]; i++)
		json_object_set_new(commands, verbs[i]->name, command_entry(verbs[i]));
	json_render_line(commands, &text);
	if (!buf_failed(&text))
		snprintf(etag, sizeof(etag), "%016llx",
			 (unsigned long long)XXH3_64bits(text.data, text.len));
	json_object_set_new(manifest, "schema_version", json_string(OUTPUT_SCHEMA_VERSION));
	json_object_set_new(manifest, "framework_version", json_string(SESSIONFS_VERSION));
	json_object_set_new(manifest, "etag", json_string(etag));
	json_object_set_new(manifest, "commands", commands);
	return manifest;
}
