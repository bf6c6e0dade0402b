/* SPDX-License-Identifier: MIT */
#include "cli/hint.h"

#include <stdio.h>
#include <string.h>

#include "cli/verb.h"

#define PROGRAM "sessionfs "

/* The length of "sessionfs VERB" at `at` where that is to be told the instance; else 0. */
static size_t command_length(const char *text, const char *at)
{
	static const char help[] = " --help";
	size_t program = sizeof(PROGRAM) - 1;
	size_t len = strspn(at + program, "abcdefghijklmnopqrstuvwxyz");
	char verb[16];

	if (len >= sizeof(verb) || (at > text && at[-1] != ' ' && at[-1] != '('))
		return 0;
	snprintf(verb, sizeof(verb), "%.*s", (int)len, at + program);
	if (!verb_find(verb) || strcmp(verb, "mount") == 0 ||
	    strncmp(at + program + len, help, sizeof(help) - 1) == 0)
		return 0;
	return program + len;
}

void hint_add(struct buf *buf, const char *mountpoint, const char *text)
{
	const char *at;

	if (mountpoint && strstr(text, mountpoint))
		mountpoint = NULL;
	while (mountpoint && (at = strstr(text, PROGRAM))) {
		size_t len = command_length(text, at);
		const char *end = at + (len ? len : sizeof(PROGRAM) - 1);

		buf_add(buf, text, (size_t)(end - text));
		if (len) {
			buf_add_str(buf, " --mountpoint ");
			buf_add_shell_quoted(buf, mountpoint);
		}
		text = end;
	}
	buf_add_str(buf, text);
}

void hint_in_error(const char *mountpoint, json_t *error)
{
	const char *suggestion = json_string_value(json_object_get(error, "suggestion"));
	_cleanup_buf_ struct buf text = {0};

	if (!mountpoint || !suggestion)
		return;
	hint_add(&text, mountpoint, suggestion);
	if (!buf_failed(&text))
		json_set_text(error, "suggestion", text.data);
}
