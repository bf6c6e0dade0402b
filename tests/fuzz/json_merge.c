/* SPDX-License-Identifier: MIT */
/*
 * Three texts, separated by NUL: what is merged is accepted as JSON, and what is refused or clashes
 * is so the other way round as well. jansson has to agree about what is JSON.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "txn/json_equal.h"
#include "txn/json_merge.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

static const struct json_limits limits = {1u << 20, 1u << 16, 64};

static int merge(const struct json_text *base, const struct json_text *ours,
		 const struct json_text *theirs, struct buf *ret, size_t *ret_clashes)
{
	_cleanup_json_merge_report_ struct json_merge_report report = {0};
	int r = json_merge(base, ours, theirs, &limits, ret, &report);

	must(r >= 0);
	must((r == JSON_MERGE_CLASH) == (report.n_all > 0));
	*ret_clashes = report.n_all;
	return r;
}

static void must_mean_the_same(struct json_text a, struct json_text b)
{
	_cleanup_json_doc_ struct json_doc a_doc = {0}, b_doc = {0};
	size_t offset;

	must(json_doc_parse(a, &limits, &a_doc, &offset) == JSON_PARSED);
	must(json_doc_parse(b, &limits, &b_doc, &offset) == JSON_PARSED);
	must(json_span_equal(&a_doc, 0, &b_doc, 0) == 1);
	must(json_span_equal(&b_doc, 0, &a_doc, 0) == 1);
}

/*
 * jansson refuses also what is JSON (large numbers, \u0000 in keys). The other way round it takes a
 * NUL that follows a number for nothing.
 */
static void check_accepted(struct json_text text)
{
	_cleanup_json_ json_t *json = json_loadb(text.at, text.len, JSON_ALLOW_NUL, NULL);
	_cleanup_json_doc_ struct json_doc doc = {0};
	size_t offset;
	int r = json_doc_parse(text, &limits, &doc, &offset);

	if (json && !memchr(text.at, '\0', text.len))
		must(r != JSON_MALFORMED);
	if (r)
		must(offset <= text.len);
}

static void check_identities(const struct json_text *base, const struct json_text *ours)
{
	_cleanup_buf_ struct buf kept = {0}, taken = {0};
	size_t clashes;
	int r = merge(base, ours, base, &kept, &clashes);

	if (r != JSON_MERGED)
		return;
	must(kept.len == ours->len && memcmp(kept.data, ours->at, kept.len) == 0);
	r = merge(base, base, ours, &taken, &clashes);
	if (r == JSON_MERGED)
		must_mean_the_same((struct json_text){taken.data, taken.len}, *ours);
	else
		must(r == JSON_MERGE_TOO_BIG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct buf copy = {0}, ret = {0}, mirrored = {0};
	struct json_text texts[3] = {{0}};
	const char *at;
	size_t clashes, mirrored_clashes;
	int r, s;

	buf_add(&copy, data, size);
	at = copy.data;
	for (int i = 0; i < 3; i++) {
		const char *end = copy.data + copy.len;
		const char *nul = i < 2 && at < end ? memchr(at, '\0', (size_t)(end - at)) : NULL;

		texts[i] = (struct json_text){at, (size_t)((nul ? nul : end) - at)};
		at = nul ? nul + 1 : end;
		check_accepted(texts[i]);
	}
	check_identities(&texts[0], &texts[1]);
	r = merge(&texts[0], &texts[1], &texts[2], &ret, &clashes);
	s = merge(&texts[0], &texts[2], &texts[1], &mirrored, &mirrored_clashes);
	must(clashes == mirrored_clashes);
	if (r == JSON_MERGE_TOO_BIG || s == JSON_MERGE_TOO_BIG)
		return 0;
	must(r == s);
	if (r == JSON_MERGED)
		must_mean_the_same((struct json_text){ret.data, ret.len},
				   (struct json_text){mirrored.data, mirrored.len});
	return 0;
}
