/* SPDX-License-Identifier: MIT */
/*
 * Merges of random texts against a model on jansson, which is as simple as can be. The seed is
 * printed where something fails; JSON_SEED plays one again.
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../../model/random.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "txn/json_merge.h"

#define ROUNDS 3000

/* Values that are equal are so in the model too: it tells 1 from 1.0, so there is no 1.0 here. */
static json_t *random_scalar(struct random *random)
{
	static const char *const strings[] = {"", "x", "a/b", "\xc3\xa9\n", "\xf0\x9f\x98\x80"};

	switch (random_below(random, 4)) {
	case 0:
		return json_integer((json_int_t)random_below(random, 3));
	case 1:
		return json_boolean(random_chance(random, 50));
	case 2:
		return json_string(RANDOM_OF(random, strings));
	default:
		return json_null();
	}
}

static const char *random_key(struct random *random)
{
	static const char *const keys[] = {"a", "b",          "c/d",        "~e",
					   "",  "longer key", "longer kez", "\xc3\xa9"};

	return RANDOM_OF(random, keys);
}

static json_t *random_value(struct random *random, unsigned depth)
{
	json_t *value;
	uint64_t kind = random_below(random, 10), n = random_below(random, 4);

	if (depth > 3 || kind < 4)
		return random_scalar(random);
	value = kind < 6 ? json_array() : json_object();
	for (uint64_t i = 0; i < n; i++) {
		if (json_is_array(value))
			json_array_append_new(value, random_value(random, depth + 1));
		else
			json_object_set_new(value, random_key(random),
					    random_value(random, depth + 1));
	}
	return value;
}

static json_t *random_object(struct random *random)
{
	json_t *object = json_object();
	uint64_t n = random_below(random, 6);

	for (uint64_t i = 0; i < n; i++)
		json_object_set_new(object, random_key(random), random_value(random, 1));
	return object;
}

/* Changes some of an object in place. */
static void change(struct random *random, json_t *object)
{
	for (uint64_t i = random_below(random, 5); i; i--) {
		const char *key = random_key(random);
		json_t *value = json_object_get(object, key);

		if (json_is_object(value) && random_chance(random, 70))
			change(random, value);
		else if (value && random_chance(random, 40))
			json_object_del(object, key);
		else
			json_object_set_new(object, key, random_value(random, 1));
	}
}

static void render_string(struct random *random, const char *str, struct buf *buf)
{
	_cleanup_json_ json_t *string = json_string(str);
	_cleanup_free_ char *dump = json_dumps(
		string, JSON_ENCODE_ANY | (random_chance(random, 50) ? JSON_ENSURE_ASCII : 0));

	buf_add_str(buf, dump);
}

/* How a text is written: what a merge may not look at. */
struct format {
	bool lines, shuffled, crlf;
	const char *colon;
};

static void new_line(const struct format *format, unsigned depth, struct buf *buf)
{
	if (!format->lines)
		return;
	buf_add_str(buf, format->crlf ? "\r\n" : "\n");
	for (unsigned i = 0; i < depth; i++)
		buf_add_str(buf, "   ");
}

static void render(struct random *random, const struct format *format, json_t *value,
		   unsigned depth, struct buf *buf);

static void render_object(struct random *random, const struct format *format, json_t *object,
			  unsigned depth, struct buf *buf)
{
	const char *keys[16];
	size_t n = 0;
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value) keys[n++] = key;
	for (size_t i = n; format->shuffled && i > 1; i--) {
		size_t j = random_below(random, i);
		const char *other = keys[j];

		keys[j] = keys[i - 1];
		keys[i - 1] = other;
	}
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_str(buf, ",");
		new_line(format, depth + 1, buf);
		render_string(random, keys[i], buf);
		buf_add_str(buf, format->colon);
		render(random, format, json_object_get(object, keys[i]), depth + 1, buf);
	}
	if (n)
		new_line(format, depth, buf);
}

static void render(struct random *random, const struct format *format, json_t *value,
		   unsigned depth, struct buf *buf)
{
	if (json_is_object(value)) {
		buf_add_str(buf, "{");
		render_object(random, format, value, depth, buf);
		buf_add_str(buf, "}");
	} else if (json_is_array(value)) {
		buf_add_str(buf, "[");
		for (size_t i = 0; i < json_array_size(value); i++) {
			if (i)
				buf_add_str(buf, ",");
			new_line(format, depth + 1, buf);
			render(random, format, json_array_get(value, i), depth + 1, buf);
		}
		if (json_array_size(value))
			new_line(format, depth, buf);
		buf_add_str(buf, "]");
	} else if (json_is_string(value)) {
		render_string(random, json_string_value(value), buf);
	} else {
		_cleanup_free_ char *dump = json_dumps(value, JSON_ENCODE_ANY);

		buf_add_str(buf, dump);
	}
}

static void render_text(struct random *random, json_t *value, struct buf *buf)
{
	static const char *const colons[] = {":", ": ", " : "};
	static const char *const ends[] = {"", "\n", "\r\n", " \n\n"};
	struct format format = {.lines = random_chance(random, 50),
				.shuffled = random_chance(random, 50),
				.crlf = random_chance(random, 30),
				.colon = RANDOM_OF(random, colons)};

	render(random, &format, value, 0, buf);
	buf_add_str(buf, RANDOM_OF(random, ends));
}

static bool same(const json_t *a, const json_t *b)
{
	return a == b || (a && b && json_equal(a, b));
}

static void add_token(struct buf *path, const char *key)
{
	buf_add_str(path, "/");
	for (; *key; key++) {
		if (*key == '~' || *key == '/')
			buf_add_str(path, *key == '~' ? "~0" : "~1");
		else
			buf_add(path, key, 1);
	}
}

/* The merged object, a new reference; clashes gets the pointers of what clashes. */
static json_t *model(json_t *base, json_t *ours, json_t *theirs, const char *path, json_t *clashes)
{
	json_t *merged = json_object();
	_cleanup_json_ json_t *all = json_object();
	const char *key;
	json_t *unused;

	json_object_update(all, ours);
	json_object_update(all, theirs);
	json_object_foreach(all, key, unused)
	{
		json_t *b = json_object_get(base, key), *o = json_object_get(ours, key);
		json_t *t = json_object_get(theirs, key);
		_cleanup_buf_ struct buf inner = {0};

		buf_add_str(&inner, path);
		add_token(&inner, key);
		if (json_is_object(o) && json_is_object(t) && (!b || json_is_object(b)))
			json_object_set_new(merged, key, model(b, o, t, inner.data, clashes));
		else if (same(o, t) || same(b, t))
			json_object_set(merged, key, o);
		else if (same(b, o))
			json_object_set(merged, key, t);
		else
			json_object_set_new(clashes, inner.data, json_true());
	}
	return merged;
}

static int merge(const struct buf *base, const struct buf *ours, const struct buf *theirs,
		 struct buf *ret, json_t *clashes)
{
	struct json_text b = {base->data, base->len}, o = {ours->data, ours->len};
	struct json_text t = {theirs->data, theirs->len};
	_cleanup_json_merge_report_ struct json_merge_report report = {0};
	int r = json_merge(&b, &o, &t, NULL, ret, &report);

	cr_assert_eq(report.n_clashes, report.n_all);
	for (size_t i = 0; i < report.n_clashes; i++)
		json_object_set_new(clashes, report.clashes[i].pointer, json_true());
	return r;
}

static bool is_text(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static json_t *load(const struct buf *text)
{
	return json_loadb(text->data, text->len, JSON_REJECT_DUPLICATES, NULL);
}

struct texts {
	json_t *json[3];
	struct buf text[3];
	char what[64]; /* for messages: the seed */
};

/* Sides that changed one base; now and then ones that have nothing to do with each other. */
static void make(uint64_t seed, uint64_t round, struct texts *ret)
{
	struct random random;

	random_init(&random, seed, round);
	*ret = (struct texts){.json = {random_object(&random)}};
	snprintf(ret->what, sizeof(ret->what), "JSON_SEED=%llu round %llu",
		 (unsigned long long)seed, (unsigned long long)round);
	for (int side = 1; side < 3; side++) {
		ret->json[side] = random_chance(&random, 5) ? random_object(&random)
							    : json_deep_copy(ret->json[0]);
		change(&random, ret->json[side]);
	}
	for (int side = 0; side < 3; side++)
		render_text(&random, ret->json[side], &ret->text[side]);
}

static void texts_release(struct texts *texts)
{
	for (int side = 0; side < 3; side++) {
		json_decref(texts->json[side]);
		buf_release(&texts->text[side]);
	}
}

static void check_text(const struct texts *x, const struct buf *text, const json_t *wanted)
{
	_cleanup_json_ json_t *json = load(text);

	cr_assert(json && json_equal(json, wanted), "%s: %s", x->what, text->data);
}

/* As the model says; both ways round. Returns whether it was merged. */
static bool check_model(const struct texts *x)
{
	_cleanup_json_ json_t *wanted_clashes = json_object(), *clashes = json_object();
	_cleanup_json_ json_t *mirrored_clashes = json_object();
	_cleanup_json_ json_t *wanted =
		model(x->json[0], x->json[1], x->json[2], "", wanted_clashes);
	_cleanup_buf_ struct buf ret = {0}, mirrored = {0};
	int r = merge(&x->text[0], &x->text[1], &x->text[2], &ret, clashes);

	cr_assert_eq(merge(&x->text[0], &x->text[2], &x->text[1], &mirrored, mirrored_clashes), r,
		     "%s", x->what);
	cr_assert(json_equal(clashes, wanted_clashes), "%s", x->what);
	cr_assert(json_equal(mirrored_clashes, wanted_clashes), "%s", x->what);
	cr_assert_eq(r, json_object_size(wanted_clashes) ? JSON_MERGE_CLASH : JSON_MERGED, "%s",
		     x->what);
	if (r != JSON_MERGED)
		return false;
	check_text(x, &ret, wanted);
	check_text(x, &mirrored, wanted);
	return true;
}

static void check_identities(const struct texts *x)
{
	_cleanup_json_ json_t *none = json_object(), *theirs = NULL;
	_cleanup_buf_ struct buf only_ours = {0}, only_theirs = {0}, both = {0};

	cr_assert_eq(merge(&x->text[0], &x->text[1], &x->text[0], &only_ours, none), JSON_MERGED);
	cr_assert(is_text(&only_ours, &x->text[1]), "%s: %s", x->what, only_ours.data);
	cr_assert_eq(merge(&x->text[0], &x->text[0], &x->text[2], &only_theirs, none), JSON_MERGED);
	theirs = load(&only_theirs);
	cr_assert(theirs && json_equal(theirs, x->json[2]), "%s: %s", x->what, only_theirs.data);
	cr_assert_eq(merge(&x->text[0], &x->text[2], &x->text[2], &both, none), JSON_MERGED);
	cr_assert(is_text(&both, &x->text[2]), "%s: %s", x->what, both.data);
}

Test(json_property, random_texts_are_merged_as_the_model_says)
{
	const char *given = getenv("JSON_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : 20240607;
	unsigned merged = 0;

	printf("JSON_SEED=%llu\n", (unsigned long long)seed);
	for (uint64_t round = 0; round < ROUNDS; round++) {
		struct texts texts;

		make(seed, round, &texts);
		merged += check_model(&texts);
		check_identities(&texts);
		texts_release(&texts);
	}
	/* Neither outcome is rare. */
	cr_assert(merged > ROUNDS / 5 && merged < ROUNDS - ROUNDS / 5, "%u merged", merged);
}
