/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "txn/json_merge.h"

static struct json_text text(const char *str)
{
	return (struct json_text){str, strlen(str)};
}

static int merge(const char *base, const char *ours, const char *theirs, struct buf *ret_text,
		 struct json_merge_report *ret_report)
{
	struct json_text texts[] = {text(base), text(ours), text(theirs)};

	return json_merge(&texts[0], &texts[1], &texts[2], NULL, ret_text, ret_report);
}

static void expect(const char *base, const char *ours, const char *theirs, const char *wanted)
{
	_cleanup_json_merge_report_ struct json_merge_report report = {0};
	_cleanup_buf_ struct buf ret = {0};
	int r = merge(base, ours, theirs, &ret, &report);

	cr_assert_eq(r, JSON_MERGED, "%s | %s | %s: %d", base, ours, theirs, r);
	cr_assert(strcmp(ret.data, wanted) == 0, "%s | %s | %s: %s", base, ours, theirs, ret.data);
}

/* `wanted`: the pointers of the clashes, each with a space after it. */
static void expect_clash(const char *base, const char *ours, const char *theirs, const char *wanted)
{
	_cleanup_json_merge_report_ struct json_merge_report report = {0};
	_cleanup_buf_ struct buf ret = {0}, pointers = {0};
	int r = merge(base, ours, theirs, &ret, &report);

	cr_assert_eq(r, JSON_MERGE_CLASH, "%s | %s | %s: %d", base, ours, theirs, r);
	buf_add_str(&pointers, "");
	for (size_t i = 0; i < report.n_clashes; i++) {
		buf_add(&pointers, report.clashes[i].pointer, report.clashes[i].pointer_len);
		buf_add_str(&pointers, " ");
	}
	cr_assert(strcmp(pointers.data, wanted) == 0, "%s | %s | %s: %s", base, ours, theirs,
		  pointers.data);
	cr_assert_eq(report.n_all, report.n_clashes);
}

struct row {
	const char *base, *ours, *theirs, *wanted;
};

Test(json_merge, what_one_side_alone_has_done_is_taken)
{
	static const struct row rows[] = {
		{"{}", "{\"a\":1}", "{\"b\":2}", "{\"a\":1,\"b\":2}"},
		{"{\"a\":1,\"b\":1}", "{\"a\":2,\"b\":1}", "{\"a\":1,\"b\":2}",
		 "{\"a\":2,\"b\":2}"},
		{"{\"a\":1,\"b\":1}", "{\"b\":1}", "{\"a\":1,\"b\":2}", "{\"b\":2}"},
		{"{\"a\":1,\"b\":1}", "{\"a\":2,\"b\":1}", "{\"a\":1}", "{\"a\":2}"},
		{"{\"a\":1}", "{}", "{}", "{}"},
		{"{\"a\":1}", "{\"a\":2}", "{\"a\":2.0}", "{\"a\":2}"},
		{"{\"o\":{\"x\":1,\"y\":1}}", "{\"o\":{\"x\":2,\"y\":1}}",
		 "{\"o\":{\"y\":3,\"x\":1}}", "{\"o\":{\"x\":2,\"y\":3}}"},
		/* Two new objects of one name are joined. */
		{"{}", "{\"o\":{\"x\":1}}", "{\"o\":{\"y\":2}}", "{\"o\":{\"x\":1,\"y\":2}}"},
		/* Types change as values do. */
		{"{\"a\":1}", "{\"a\":1}", "{\"a\":{\"x\":[1]}}", "{\"a\":{\"x\":[1]}}"},
		{"{\"a\":{}}", "{\"a\":null}", "{\"a\":{}}", "{\"a\":null}"},
		{"{\"a\":[1,2]}", "{\"a\":[1,2]}", "{\"a\":[2]}", "{\"a\":[2]}"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(rows[i].base, rows[i].ours, rows[i].theirs, rows[i].wanted);
}

Test(json_merge, what_both_have_done_differently_clashes)
{
	static const struct row rows[] = {
		{"{\"a\":1}", "{\"a\":2}", "{\"a\":3}", "/a "},
		{"{}", "{\"a\":2}", "{\"a\":3}", "/a "},
		{"{\"a\":1}", "{}", "{\"a\":3}", "/a "},
		{"{\"a\":1}", "{\"a\":2}", "{}", "/a "},
		{"{\"a\":[1]}", "{\"a\":[1,2]}", "{\"a\":[1,3]}", "/a "},
		{"{\"o\":{\"x\":1}}", "{\"o\":{\"x\":2}}", "{}", "/o "},
		{"{\"o\":1}", "{\"o\":{\"x\":2}}", "{\"o\":{\"y\":2}}", "/o "},
		{"{\"o\":{\"x\":1}}", "{\"o\":{\"x\":2}}", "{\"o\":{\"x\":3}}", "/o/x "},
		{"{}", "{\"o\":{\"x\":2}}", "{\"o\":{\"x\":3}}", "/o/x "},
		/* In the order of ours; a key that ours has removed where it would be. */
		{"{\"a\":1,\"b\":1,\"c\":1,\"d\":1}", "{\"c\":2,\"d\":2,\"a\":2}",
		 "{\"a\":3,\"c\":3,\"b\":3,\"d\":3}", "/c /b /d /a "},
		{"{\"a\":1,\"b\":1}", "{\"b\":2}", "{\"a\":3,\"b\":3}", "/b /a "},
		/* RFC 6901. */
		{"{}", "{\"a/b~c\":{\"\":{\"\\u00e9\":1}}}", "{\"a/b~c\":{\"\":{\"\\u00e9\":2}}}",
		 "/a~1b~0c//\xc3\xa9 "},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect_clash(rows[i].base, rows[i].ours, rows[i].theirs, rows[i].wanted);
}

Test(json_merge, a_clash_shows_the_three_values)
{
	_cleanup_json_merge_report_ struct json_merge_report report = {0};
	_cleanup_buf_ struct buf ret = {0};

	cr_assert_eq(merge("{\"a\": [1]}", "{\"a\": 1.50}", "{}", &ret, &report), JSON_MERGE_CLASH);
	cr_assert_eq(report.n_clashes, 1);
	cr_assert_eq(report.clashes[0].base.len, 3);
	cr_assert(memcmp(report.clashes[0].base.at, "[1]", 3) == 0);
	cr_assert_eq(report.clashes[0].ours.len, 4);
	cr_assert(memcmp(report.clashes[0].ours.at, "1.50", 4) == 0);
	cr_assert_null(report.clashes[0].theirs.at);
}

Test(json_merge, of_many_clashes_the_first_are_listed_and_all_are_counted)
{
	_cleanup_json_merge_report_ struct json_merge_report report = {0};
	_cleanup_buf_ struct buf ours = {0}, theirs = {0}, ret = {0};

	for (int i = 0; i < 100; i++) {
		buf_add_format(&ours, "%s\"k%d\":1", i ? "," : "{", i);
		buf_add_format(&theirs, "%s\"k%d\":2", i ? "," : "{", 99 - i);
	}
	buf_add_str(&ours, "}");
	buf_add_str(&theirs, "}");
	cr_assert_eq(merge("{}", ours.data, theirs.data, &ret, &report), JSON_MERGE_CLASH);
	cr_assert_eq(report.n_clashes, JSON_MERGE_CLASHES_MAX);
	cr_assert_eq(report.n_all, 100);
	cr_assert_str_eq(report.clashes[31].pointer, "/k31");
}

Test(json_merge, members_of_one_name_are_never_merged_inside)
{
	/* Changed on one side: taken as a whole. */
	expect("{\"a\":{\"x\":1,\"x\":2}}", "{\"a\":{\"x\":1,\"x\":2},\"b\":1}",
	       "{\"a\":{\"x\":1,\"x\":3}}", "{\"a\":{\"x\":1,\"x\":3},\"b\":1}");
	expect_clash("{\"a\":{}}", "{\"a\":{\"x\":1,\"\\u0078\":2}}", "{\"a\":{\"y\":1}}", "/a ");
	expect_clash("{\"x\":1,\"x\":2}", "{\"x\":1,\"x\":2,\"y\":1}", "{\"x\":1,\"x\":2,\"z\":1}",
		     " ");
	/* Their order counts, that of others does not. */
	expect("{\"a\":{\"x\":1,\"x\":2,\"y\":0}}", "{\"a\":{\"y\":0,\"x\":1,\"x\":2}}",
	       "{\"a\":{}}", "{\"a\":{}}");
	expect_clash("{\"a\":{\"x\":1,\"x\":2}}", "{\"a\":{\"x\":2,\"x\":1}}", "{\"a\":{}}", "/a ");
}

Test(json_merge, values_are_compared_by_what_they_mean)
{
	static const struct row same[] = {
		{"1", "1.0", NULL, NULL},
		{"1", "10e-1", NULL, NULL},
		{"100", "1E+2", NULL, NULL},
		{"0.010", "1e-2", NULL, NULL},
		{"-0", "0e5", NULL, NULL},
		{"1e400", "10.0e399", NULL, NULL},
		{"0e99999999999999999999", "0", NULL, NULL},
		{"\"\\u0061\\/\\ud83d\\ude00\"", "\"a/\xf0\x9f\x98\x80\"", NULL, NULL},
		{"[1,{\"a\":1,\"b\":[]}]", "[ 1.0, {\"b\": [ ], \"a\": 1} ]", NULL, NULL},
	};
	static const struct row differ[] = {
		{"1", "-1", NULL, NULL},
		{"9007199254740993", "9007199254740992", NULL, NULL},
		{"1e400", "1e401", NULL, NULL},
		{"12", "1.02e1", NULL, NULL},
		{"0.1", "0.10000000000000000001", NULL, NULL},
		{"1e99999999999999999999", "1e99999999999999999998", NULL, NULL},
		{"1e18446744073709551617", "1e1", NULL, NULL},
		{"1", "\"1\"", NULL, NULL},
		{"true", "false", NULL, NULL},
		{"\"a\"", "\"a\\u0000\"", NULL, NULL},
		{"[1,2]", "[2,1]", NULL, NULL},
		{"[1]", "[1,1]", NULL, NULL},
		{"{\"a\":1}", "{\"b\":1}", NULL, NULL},
	};
	char base[128], ours[128], theirs[128];

	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		snprintf(base, sizeof(base), "{\"v\":%s}", same[i].base);
		snprintf(ours, sizeof(ours), "{\"v\":%s}", same[i].ours);
		expect(base, ours, "{\"v\":null}", "{\"v\":null}");
		expect("{}", ours, base, ours);
	}
	for (size_t i = 0; i < ARRAY_SIZE(differ); i++) {
		snprintf(base, sizeof(base), "{\"v\":%s}", differ[i].base);
		snprintf(ours, sizeof(ours), "{\"v\":%s}", differ[i].ours);
		snprintf(theirs, sizeof(theirs), "{}");
		expect_clash(base, ours, theirs, "/v ");
	}
}

Test(json_merge, what_is_no_json_object_is_refused)
{
	static const char *const texts[] = {
		"",
		" ",
		"[]",
		"1",
		"null",
		"{",
		"}",
		"{}x",
		"{} {}",
		"\xef\xbb\xbf{}",
		"{\"a\":1,}",
		"{,}",
		"{\"a\"}",
		"{\"a\":}",
		"{a:1}",
		"{'a':1}",
		"{\"a\":1 \"b\":2}",
		"{\"a\":[1,]}",
		"{\"a\":[}",
		"{\"a\":[1 2]}",
		"{\"a\":]}",
		"{\"a\":[}]",
		"{} // c",
		"{/**/}",
		"{\"a\":01}",
		"{\"a\":1.}",
		"{\"a\":.5}",
		"{\"a\":+1}",
		"{\"a\":-}",
		"{\"a\":1e}",
		"{\"a\":1e+}",
		"{\"a\":0x1}",
		"{\"a\":NaN}",
		"{\"a\":Infinity}",
		"{\"a\":tru}",
		"{\"a\":truex}",
		"{\"a\":\"\\ud800\"}",
		"{\"a\":\"\\udc00\"}",
		"{\"a\":\"\\ud800\\u0041\"}",
		"{\"a\":\"\\x\"}",
		"{\"a\":\"\\u12g4\"}",
		"{\"a\":\"\n\"}",
		"{\"a\":\"\xff\"}",
		"{\"a\":\"\xc0\x80\"}",
		"{\"a\":\"\xed\xa0\x80\"}",
		"{\"a\":\"\xf4\x90\x80\x80\"}",
		"{\"a\":\"\xe2\x82\"}",
		"{\"a\":\"",
		"{\"a\":\"\\",
		"{\"a\":\"\\u00",
		"\v{}",
		"{\xc2\xa0}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		for (int side = JSON_BASE; side <= JSON_THEIRS; side++) {
			const char *given[] = {"{}", "{}", "{}"};
			_cleanup_json_merge_report_ struct json_merge_report report = {0};
			_cleanup_buf_ struct buf ret = {0};

			given[side] = texts[i];
			cr_assert_eq(merge(given[0], given[1], given[2], &ret, &report),
				     JSON_MERGE_NOT_JSON, "%s", texts[i]);
			cr_assert_eq((int)report.side, side);
			cr_assert(report.offset <= strlen(texts[i]));
		}
}

Test(json_merge, a_nul_in_the_text_is_no_json)
{
	static const struct json_text object = {"{}", 2}, nul = {"{}\0", 3};
	_cleanup_json_merge_report_ struct json_merge_report report = {0};
	_cleanup_buf_ struct buf ret = {0};

	cr_assert_eq(json_merge(&object, &nul, &object, NULL, &ret, &report), JSON_MERGE_NOT_JSON);
	cr_assert_eq(report.offset, 2);
}

static void add_deep(struct buf *buf, unsigned depth, const char *inner)
{
	buf_add_str(buf, "{\"a\":");
	for (unsigned i = 1; i < depth; i++)
		buf_add_str(buf, "{\"b\":");
	buf_add_str(buf, inner);
	for (unsigned i = 0; i < depth; i++)
		buf_add_str(buf, "}");
}

Test(json_merge, depth_is_merged_up_to_the_limit_and_refused_beyond)
{
	_cleanup_json_merge_report_ struct json_merge_report report = {0};
	_cleanup_buf_ struct buf base = {0}, ours = {0}, deeper = {0}, ret = {0}, huge = {0};

	add_deep(&base, JSON_MERGE_DEPTH_MAX, "1");
	add_deep(&ours, JSON_MERGE_DEPTH_MAX, "2");
	add_deep(&deeper, JSON_MERGE_DEPTH_MAX + 1, "1");
	add_deep(&huge, 2000000, "1");
	expect(base.data, base.data, ours.data, ours.data);
	cr_assert_eq(merge(base.data, ours.data, deeper.data, &ret, &report), JSON_MERGE_TOO_BIG);
	cr_assert_eq(report.side, JSON_THEIRS);
	cr_assert_eq(merge(base.data, huge.data, base.data, &ret, &report), JSON_MERGE_TOO_BIG);
	cr_assert_eq(report.side, JSON_OURS);
}

Test(json_merge, texts_and_a_result_over_the_limits_are_refused)
{
	static const struct json_limits limits = {20, 3, 8};
	struct json_text base = text("{}"), ours = text("{\"a\":1234567890}");
	struct json_text theirs = text("{\"b\":1234567890}"), many = text("{\"a\":[1,2]}");
	struct json_text big = text("{                   }");
	_cleanup_json_merge_report_ struct json_merge_report report = {0};
	_cleanup_buf_ struct buf ret = {0};

	cr_assert_eq(json_merge(&base, &ours, &theirs, &limits, &ret, &report), JSON_MERGE_TOO_BIG);
	cr_assert_eq(report.side, JSON_RESULT);
	cr_assert_eq(json_merge(&base, &many, &base, &limits, &ret, &report), JSON_MERGE_TOO_BIG);
	cr_assert_eq(report.side, JSON_OURS);
	cr_assert_eq(json_merge(&big, &base, &base, &limits, &ret, &report), JSON_MERGE_TOO_BIG);
	cr_assert_eq(report.side, JSON_BASE);
}
