/* SPDX-License-Identifier: MIT */
/* What a merged text looks like: as ours did. */
#include <criterion/criterion.h>
#include <string.h>

#include "txn/json_merge.h"

static struct json_text text(const char *str)
{
	return (struct json_text){str, strlen(str)};
}

static void expect(const char *base, const char *ours, const char *theirs, const char *wanted)
{
	struct json_text b = text(base), o = text(ours), t = text(theirs);
	_cleanup_json_merge_report_ struct json_merge_report report = {0};
	_cleanup_buf_ struct buf ret = {0};

	cr_assert_eq(json_merge(&b, &o, &t, NULL, &ret, &report), JSON_MERGED);
	cr_assert(strcmp(ret.data, wanted) == 0, "%s", ret.data);
}

Test(json_layout, a_new_member_follows_the_one_before_it_in_theirs)
{
	expect("{\"a\":1,\"b\":2}", "{\n  \"b\": 2,\n  \"a\": 1\n}\n",
	       "{\"a\":1,\"x\":0,\"y\":0,\"b\":2,\"z\":0}",
	       "{\n  \"b\": 2,\n  \"z\": 0,\n  \"a\": 1,\n  \"x\": 0,\n  \"y\": 0\n}\n");
	/* Nothing is before it: to the end. What ours has removed is nothing. */
	expect("{\"a\":1,\"b\":2}", "{\"b\":2}", "{\"n\":0,\"a\":1,\"m\":0,\"b\":2}",
	       "{\"b\":2,\"n\":0,\"m\":0}");
	expect("{\"b\":2}", "{\"b\":2}", "{\"n\":0,\"b\":2,\"m\":0}", "{\"b\":2,\"m\":0,\"n\":0}");
	expect("{\"a\":1,\"b\":2,\"c\":3}", "{\"a\":1,\"c\":3}",
	       "{\"a\":1,\"b\":2,\"n\":0,\"c\":3}", "{\"a\":1,\"n\":0,\"c\":3}");
}

Test(json_layout, removed_members_take_their_separators_with_them)
{
	static const char base[] = "{\"a\":1,\"b\":2,\"c\":3}";
	static const char ours[] = "{\n\t\"a\" : 1,\n\t\"b\" : 2 ,\n\t\"c\" : 3\n}";

	expect(base, ours, "{\"b\":2,\"c\":3}", "{\n\t\"b\" : 2 ,\n\t\"c\" : 3\n}");
	expect(base, ours, "{\"a\":1,\"c\":3}", "{\n\t\"a\" : 1 ,\n\t\"c\" : 3\n}");
	expect(base, ours, "{\"a\":1,\"b\":2}", "{\n\t\"a\" : 1,\n\t\"b\" : 2\n}");
	expect(base, ours, "{\"b\":2}", "{\n\t\"b\" : 2\n}");
	expect(base, ours, "{\"a\":1}", "{\n\t\"a\" : 1\n}");
	expect(base, ours, "{}", "{}");
	expect(base, ours, "{\"x\":0,\"y\":0}", "{\n\t\"x\" : 0,\n\t\"y\" : 0\n}");
	expect(base, ours, "{\"b\":2,\"x\":0}", "{\n\t\"b\" : 2,\n\t\"x\" : 0\n}");
}

Test(json_layout, nested_values_get_the_indentation_of_ours)
{
	expect("{\"o\":{\"a\":1}}", "{\n\t\"o\": {\n\t\t\"a\": 1\n\t}\n}\n",
	       "{\n  \"o\": {\n    \"a\": 1,\n    \"n\": {\n      \"l\": [1, 2],\n      \"m\": [\n"
	       "        {}\n      ]\n    }\n  }\n}\n",
	       "{\n\t\"o\": {\n\t\t\"a\": 1,\n\t\t\"n\": {\n\t\t\t\"l\": [1, 2],\n\t\t\t\"m\": [\n"
	       "\t\t\t\t{}\n\t\t\t]\n\t\t}\n\t}\n}\n");
	/* Theirs has no lines at all. */
	expect("{\"a\":1}", "{\n  \"a\": 1\n}\n", "{\"a\":{\"x\":[1]},\"b\":[]}",
	       "{\n  \"a\": {\n    \"x\": [\n      1\n    ]\n  },\n  \"b\": []\n}\n");
}

Test(json_layout, compact_stays_compact)
{
	expect("{\"a\":1}", "{\"a\":1}",
	       "{\n  \"a\": 1,\n  \"b\": {\n    \"x\": [\n      1,\n      2\n"
	       "    ]\n  }\n}\n",
	       "{\"a\":1,\"b\":{\"x\":[1,2]}}");
	expect("{\"a\":1}", "{ \"a\": 1 }", "{\"a\":1,\"b\":[1,2]}", "{ \"a\": 1, \"b\": [1, 2] }");
	/* An object on one line in a text that has several. */
	expect("{\"o\":{\"a\":1}}", "{\n  \"o\": {\"a\": 1}\n}", "{\"o\":{\"a\":1,\"b\":[1,2]}}",
	       "{\n  \"o\": {\"a\": 1, \"b\": [1, 2]}\n}");
}

Test(json_layout, an_empty_object_that_gains_members_is_opened)
{
	expect("{\"o\":{}}", "{\n  \"o\": { }\n}\n", "{\"o\":{\"a\":1,\"b\":2}}",
	       "{\n  \"o\": {\n    \"a\": 1,\n    \"b\": 2\n  }\n}\n");
	expect("{\"o\":{}}", "{\"o\":{}}", "{\"o\":{\"a\":1,\"b\":2}}",
	       "{\"o\":{\"a\":1,\"b\":2}}");
	expect("{\"o\":{\"p\":{}}}", "{\n  \"o\": {\"p\": {}}\n}", "{\"o\":{\"p\":{\"a\":1}}}",
	       "{\n  \"o\": {\"p\": {\"a\": 1}}\n}");
	/* Ours shows no style: that of theirs, but for the line ends. */
	expect("{ }", "{\n}\n", "{\n    \"a\": 1\n}", "{\n    \"a\": 1\n}\n");
	expect("{}", "{ }\r\n", "{\n    \"a\": 1\n}", "{\r\n    \"a\": 1\r\n}\r\n");
}

Test(json_layout, line_ends_and_the_end_of_the_file_are_those_of_ours)
{
	expect("{\"a\":1}", "{\r\n  \"a\": 1\r\n}\r\n", "{\n \"a\": 1,\n \"b\": [\n  1\n ]\n}",
	       "{\r\n  \"a\": 1,\r\n  \"b\": [\r\n    1\r\n  ]\r\n}\r\n");
	expect("{\"a\":1}", " {\n  \"a\": 1\n}", "{\"a\":2}\n\n", " {\n  \"a\": 2\n}");
}

Test(json_layout, texts_of_numbers_and_strings_are_kept)
{
	expect("{\"a\":1,\"b\":1}", "{\"a\":1.00,\"b\":1,\"c\":\"\\u0041\"}",
	       "{\"a\":1,\"b\":1e400,\"\\u0064\":0.10}",
	       "{\"a\":1.00,\"b\":1e400,\"\\u0064\":0.10,\"c\":\"\\u0041\"}");
}

Test(json_layout, a_text_that_gains_nothing_is_left_as_it_is)
{
	static const char ours[] = "\t{ \"a\" :1.0 ,\n\"b\": [ ] , \"c\":\"\\u0061\"}\r\n\n";

	expect("{\"a\":1}", ours, "{\"a\":1}", ours);
	expect("{\"a\":1}", ours, "{\"c\":\"a\",\"b\":[],\"a\":1}", ours);
	expect("{\"a\":1}", ours, ours, ours);
}
