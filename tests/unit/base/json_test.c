/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"

#define U "\xef\xbf\xbd"

Test(json, any_bytes_become_text)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *text;
		bool lossless;
	} cases[] = {
		{"", 0, "", true},
		{"plain", 5, "plain", true},
		{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
		 true},
		{"\xf4\x8f\xbf\xbf", 4, "\xf4\x8f\xbf\xbf", true},
		{"\xed\x9f\xbf", 3, "\xed\x9f\xbf", true},
		{"a\nb", 3, "a\nb", true},
		{"a\0b", 3, "a" U "b", false},
		{"\xff", 1, U, false},
		{"a\xff\xfe"
		 "b",
		 4, "a" U U "b", false},
		{"\xc3", 1, U, false},                   /* cut off */
		{"\xe2\x82", 2, U U, false},             /* cut off */
		{"\xc0\xaf", 2, U U, false},             /* overlong '/' */
		{"\xe0\x80\xaf", 3, U U U, false},       /* overlong */
		{"\xf0\x80\x80\xaf", 4, U U U U, false}, /* overlong */
		{"\xed\xa0\x80", 3, U U U, false},       /* surrogate */
		{"\xf4\x90\x80\x80", 4, U U U U, false}, /* over U+10FFFF */
		{"\x80", 1, U, false},                   /* goes on from nothing */
		{"\xc3(", 2, U "(", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool lossless = !cases[i].lossless;
		_cleanup_json_ json_t *text = json_text_n(cases[i].bytes, cases[i].len, &lossless);

		cr_assert_not_null(text);
		cr_assert_str_eq(json_string_value(text), cases[i].text, "case %zu", i);
		cr_assert_eq(json_string_length(text), strlen(cases[i].text));
		cr_assert_eq(lossless, cases[i].lossless, "case %zu", i);
	}
}

Test(json, raw_bytes_come_along_only_where_text_is_not_enough)
{
	_cleanup_json_ json_t *object = json_object();

	json_set_text(object, "good", "a");
	json_set_text(object, "bad", "a\xff");
	cr_assert_str_eq(json_string_value(json_object_get(object, "good")), "a");
	cr_assert_null(json_object_get(object, "good_b64"));
	cr_assert_str_eq(json_string_value(json_object_get(object, "bad")), "a" U);
	cr_assert_str_eq(json_string_value(json_object_get(object, "bad_b64")), "Yf8=");
}

Test(json, base64_follows_the_rfc)
{
	static const char *const cases[][2] = {
		{"", ""},
		{"f", "Zg=="},
		{"ab", "YWI="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"},
		{"\xfb\xff\xfe", "+//+"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = base64_encode(cases[i][0], strlen(cases[i][0]));

		cr_assert_str_eq(text, cases[i][1]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf bytes = {0};

		cr_assert(base64_decode(cases[i][1], strlen(cases[i][1]), &bytes));
		cr_assert_eq(bytes.len, strlen(cases[i][0]));
		cr_assert_eq(memcmp(bytes.len ? bytes.data : "", cases[i][0], bytes.len), 0);
	}
}

Test(json, what_is_no_base64_is_refused)
{
	static const char *const cases[] = {"Z",    "Zg",   "Zg=",  "Z===",  "====", "Zg==Zg==",
					    "Z=g=", "Zm9*", "Zm9 ", "Zm\n=", "=g==", "Zm-_"};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf bytes = {0};

		cr_assert(!base64_decode(cases[i], strlen(cases[i]), &bytes), "%s", cases[i]);
	}
}

static json_t *parse(const char *text)
{
	struct err err = {0};
	json_t *json = json_parse(text, strlen(text), "test", &err);

	cr_assert_not_null(json, "%s: %s", text, err.message);
	return json;
}

Test(json, rendering_keeps_order_and_is_as_people_write_it)
{
	_cleanup_json_ json_t *json =
		parse("{\"z\":1,\"a\":[true,null,{}],\"e\":[],\"s\":\"\\u00e9\\n/\"}");
	_cleanup_buf_ struct buf pretty = {0}, line = {0};

	json_render_pretty(json, &pretty);
	json_render_line(json, &line);
	cr_assert_str_eq(pretty.data, "{\n"
				      "  \"z\": 1,\n"
				      "  \"a\": [\n"
				      "    true,\n"
				      "    null,\n"
				      "    {}\n"
				      "  ],\n"
				      "  \"e\": [],\n"
				      "  \"s\": \"\xc3\xa9\\n/\"\n"
				      "}\n");
	cr_assert_str_eq(line.data,
			 "{\"z\":1,\"a\":[true,null,{}],\"e\":[],\"s\":\"\xc3\xa9\\n/\"}\n");
}

Test(json, what_is_rendered_reads_back_the_same)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"0.1", "0.1\n"},
		{"1.0", "1.0\n"},
		{"-0.0", "-0.0\n"},
		{"0.30000000000000004", "0.30000000000000004\n"},
		{"1e100", "1e100\n"},
		{"5e-324", "4.94065645841247e-324\n"},
		{"9223372036854775807", "9223372036854775807\n"},
		{"\"\\u0001\\\"\\\\\"", "\"\\u0001\\\"\\\\\"\n"},
		{"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"\n"},
		{"null", "null\n"},
		{"{\"\": {\"\": []}}", "{\"\":{\"\":[]}}\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *json = parse(cases[i].in), *again = NULL;
		_cleanup_buf_ struct buf buf = {0};

		json_render_line(json, &buf);
		cr_assert_str_eq(buf.data, cases[i].out);
		again = parse(buf.data);
		cr_assert(json_equal(json, again));
	}
}

Test(json, rendering_nothing_marks_the_buffer)
{
	_cleanup_buf_ struct buf buf = {0};

	json_render_line(NULL, &buf);
	cr_assert(buf_failed(&buf));
}

Test(json, errors_tell_where)
{
	static const struct {
		const char *text, *begin;
	} cases[] = {
		{"{\"a\": 1,\n \"a\": 2}", "conf, line 2, column 4: duplicate object key"},
		{"{\n\"a\" 1}", "conf, line 2, column "},
		{"", "conf, line 1, column "},
		{"{} x", "conf, line 1, column "},
		{"\"\\u0000\"", "conf, line 1, column "},
		{"\"\xff\"", "conf, line 1, column "},
		{"[1", "conf, line 1, column "},
		{"99999999999999999999", "conf, line 1, column "},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = {0};

		cr_assert_null(json_parse(cases[i].text, strlen(cases[i].text), "conf", &err));
		cr_assert_eq(err.code, ERR_VALIDATION_ERROR);
		cr_assert_eq(strncmp(err.message, cases[i].begin, strlen(cases[i].begin)), 0, "%s",
			     err.message);
	}
}

Test(json, nesting_without_end_is_refused_not_followed)
{
	char text[100000];
	struct err err;

	memset(text, '[', sizeof(text));
	cr_assert_null(json_parse(text, sizeof(text), "deep", &err));
	cr_assert_not_null(strstr(err.message, "depth"));
}

Test(json, times_are_iso_text)
{
	_cleanup_json_ json_t *time = json_time(1500000000);

	cr_assert_str_eq(json_string_value(time), "1970-01-01T00:00:01.500Z");
}
