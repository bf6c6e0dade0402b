/* SPDX-License-Identifier: MIT */
/* What the verbs ask of parsed arguments: the accessors of verb.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/args.h"

static const struct args_item *item_last(const struct args *args, const char *name)
{
	/* A misspelt name would be an option that is never given. */
	assert(args_option_find(args->verb, name));
	for (size_t i = args->n_items; i > 0; i--) {
		if (strcmp(args->items[i - 1].spec->name, name) == 0)
			return &args->items[i - 1];
	}
	return NULL;
}

bool args_given(const struct args *args, const char *name)
{
	return item_last(args, name);
}

const char *args_text(const struct args *args, const char *name)
{
	const struct args_item *item = item_last(args, name);

	return item ? item->value : NULL;
}

int64_t args_integer(const struct args *args, const char *name, int64_t fallback)
{
	const char *text = args_text(args, name);

	return text ? strtoll(text, NULL, 10) : fallback;
}

uint64_t args_duration_ns(const struct args *args, const char *name, uint64_t fallback_ns)
{
	const char *text = args_text(args, name);
	uint64_t duration_ns = fallback_ns;

	if (text)
		clock_parse_duration(text, &duration_ns);
	return duration_ns;
}

const char *args_next(const struct args *args, const char *name, size_t *cursor)
{
	assert(args_option_find(args->verb, name));
	while (*cursor < args->n_items) {
		const struct args_item *item = &args->items[(*cursor)++];

		if (strcmp(item->spec->name, name) == 0)
			return item->value;
	}
	return NULL;
}

size_t args_operand_count(const struct args *args)
{
	return args->n_operands;
}

const char *args_operand(const struct args *args, size_t index)
{
	return index < args->n_operands ? args->operands[index] : NULL;
}

char **args_operands(const struct args *args)
{
	return args->operands;
}
