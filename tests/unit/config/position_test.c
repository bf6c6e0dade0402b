/* SPDX-License-Identifier: MIT */
#include "config/position.h"

#include <criterion/criterion.h>
#include <string.h>

#define KEY(name)                                                                                  \
	{                                                                                          \
		.key = (name)                                                                      \
	}
#define INDEX(number)                                                                              \
	{                                                                                          \
		.index = (number)                                                                  \
	}

/* Where the steps lead, as line * 1000 + column; 0 where they lead nowhere. */
static size_t place_of(const char *text, enum position_of what, const struct json_step *steps,
		       size_t n)
{
	struct position position;

	if (!position_find(text, strlen(text), steps, n, what, &position))
		return 0;
	return position.line * 1000 + position.column;
}

#define PLACE(text, what, ...)                                                                     \
	place_of(text, what, (const struct json_step[]){__VA_ARGS__},                              \
		 sizeof((const struct json_step[]){__VA_ARGS__}) / sizeof(struct json_step))

Test(position, value_and_key_of_a_member)
{
	const char *text = "{\n  \"a\": 1,\n  \"bc\":   true\n}";

	cr_assert_eq(PLACE(text, POSITION_VALUE, KEY("a")), 2008);
	cr_assert_eq(PLACE(text, POSITION_KEY, KEY("a")), 2003);
	cr_assert_eq(PLACE(text, POSITION_VALUE, KEY("bc")), 3011);
	cr_assert_eq(PLACE(text, POSITION_KEY, KEY("bc")), 3003);
}

Test(position, whole_document_is_where_it_begins)
{
	cr_assert_eq(place_of("\n  [1]", POSITION_VALUE, NULL, 0), 2003);
}

Test(position, elements_of_nested_arrays_and_objects)
{
	const char *text = "{\"s\": [{\"x\": [1, 2]},\n {\"x\": [\"}]\", {\"y\": null}]}]}";

	cr_assert_eq(PLACE(text, POSITION_VALUE, KEY("s"), INDEX(0), KEY("x"), INDEX(1)), 1018);
	cr_assert_eq(PLACE(text, POSITION_VALUE, KEY("s"), INDEX(1)), 2002);
	cr_assert_eq(PLACE(text, POSITION_VALUE, KEY("s"), INDEX(1), KEY("x"), INDEX(1), KEY("y")),
		     2021);
}

Test(position, brackets_and_quotes_within_strings_do_not_count)
{
	const char *text = "{\"a\": \"} ] \\\" , \\\\\", \"b\": 2}";

	cr_assert_eq(PLACE(text, POSITION_VALUE, KEY("b")), 1000 + strlen(text) - 1);
}

Test(position, a_key_of_the_same_name_deeper_down_is_another)
{
	const char *text = "{\"a\": {\"b\": 1}, \"b\": 2}";

	cr_assert_eq(PLACE(text, POSITION_VALUE, KEY("b")), 1022);
	cr_assert_eq(PLACE(text, POSITION_VALUE, KEY("a"), KEY("b")), 1013);
}

Test(position, escaped_keys_are_compared_decoded)
{
	cr_assert_eq(PLACE("{\"\\u0061\\n\": 7}", POSITION_VALUE, KEY("a\n")), 1014);
}

Test(position, columns_count_characters_not_bytes)
{
	cr_assert_eq(PLACE("{\"\u00e4\u20ac\": 7}", POSITION_VALUE, KEY("\u00e4\u20ac")), 1008);
}

Test(position, what_is_not_there_is_not_found)
{
	const char *text = "{\"a\": [], \"b\": {}, \"c\": 3}";

	cr_assert_eq(PLACE(text, POSITION_VALUE, KEY("d")), 0);
	cr_assert_eq(PLACE(text, POSITION_VALUE, KEY("a"), INDEX(0)), 0);
	cr_assert_eq(PLACE(text, POSITION_VALUE, KEY("b"), KEY("x")), 0);
	cr_assert_eq(PLACE(text, POSITION_VALUE, KEY("c"), KEY("x")), 0);
	cr_assert_eq(PLACE(text, POSITION_VALUE, INDEX(0)), 0);
	cr_assert_eq(place_of("", POSITION_VALUE, NULL, 0), 0);
}

Test(position, cut_off_text_is_not_read_beyond_its_end)
{
	const char *text = "{\"a\": [1, {\"b\": \"c\\\"\"}], \"d\": 5}";
	const struct json_step steps[] = {KEY("d")};
	struct position position;

	for (size_t len = 0; len + 2 < strlen(text); len++) {
		char *copy = strndup(text, len);

		cr_assert_not(position_find(copy, len, steps, 1, POSITION_VALUE, &position) &&
			      position.column < 30);
		free(copy);
	}
}
