/* SPDX-License-Identifier: MIT */
#include "cli/fields.h"

void field_words(const json_t *array, struct buf *ret)
{
	json_t *word;
	size_t i;

	json_array_foreach(array, i, word)
	{
		const char *text = json_string_value(word);

		buf_add_format(ret, "%s%s", i ? " " : "", text ? text : "");
	}
}
