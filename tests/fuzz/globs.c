/* SPDX-License-Identifier: MIT */
/*
 * A glob and a path of any bytes: what is well-formed is decided in bounded time, and the look by
 * name alone agrees with the whole rules. Input: glob, newline, path.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "view/rules.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_rules(char *glob, const char *path)
{
	struct share_config share = {.path = (char[]){"/tmp"}, .lock = {&glob, 1}, .lower_fd = -1};
	struct rules *rules;
	int by_name;

	must(rules_new(&share, &rules) == 0);
	by_name = rules_class_by_name(rules, path_base(path));
	must(by_name < 0 || by_name == (int)rules_class(rules, path));
	rules_free(rules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = size < 512 ? malloc(size + 1) : NULL;
	char *path;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	path = strchr(text, '\n');
	if (!path || !path[1] || path[1] == '/')
		return 0;
	*path++ = '\0';
	if (path_glob_check(text))
		return 0;
	path_glob_match(text, path);
	if (text[0] != '!')
		check_rules(text, path);
	return 0;
}
