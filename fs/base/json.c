/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

size_t json_utf8_sequence(const unsigned char *at, size_t left)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t len;

	if (at[0] < 0x80)
		return 1;
	if (at[0] < 0xc2 || at[0] > 0xf4)
		return 0;
	len = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	if (left < len)
		return 0;
	if (at[0] == 0xe0)
		low = 0xa0;
	else if (at[0] == 0xed)
		high = 0x9f;
	else if (at[0] == 0xf0)
		low = 0x90;
	else if (at[0] == 0xf4)
		high = 0x8f;
	if (at[1] < low || at[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

json_t *json_text_n(const char *bytes, size_t len, bool *ret_lossless)
{
	const unsigned char *at = (const unsigned char *)bytes;
	_cleanup_buf_ struct buf text = {0};
	bool lossless = true;

	/* Runs of what is well-formed are taken whole. */
	for (size_t done = 0, i = 0; i <= len;) {
		size_t sequence = i < len && at[i] ? json_utf8_sequence(at + i, len - i) : 0;

		if (sequence) {
			i += sequence;
			continue;
		}
		buf_add(&text, bytes + done, i - done);
		if (i < len) {
			buf_add_str(&text, REPLACEMENT);
			lossless = false;
		}
		done = ++i;
	}
	if (buf_failed(&text))
		return NULL;
	if (ret_lossless)
		*ret_lossless = lossless;
	return json_stringn_nocheck(text.data, text.len);
}

json_t *json_text(const char *str)
{
	return json_text_n(str, strlen(str), NULL);
}

void json_set_text(json_t *object, const char *key, const char *str)
{
	_cleanup_free_ char *encoded = NULL;
	_cleanup_buf_ struct buf raw_key = {0};
	bool lossless = true;

	json_object_set_new(object, key, json_text_n(str, strlen(str), &lossless));
	if (lossless)
		return;
	encoded = base64_encode(str, strlen(str));
	buf_add_str(&raw_key, key);
	buf_add_str(&raw_key, "_b64");
	if (encoded && !buf_failed(&raw_key))
		json_object_set_new(object, raw_key.data, json_string(encoded));
}

json_t *json_time(uint64_t real_ns)
{
	char text[CLOCK_ISO_SIZE];

	clock_format_iso(real_ns, text);
	return json_string(text);
}

static int to_buf(const char *data, size_t size, void *context)
{
	struct buf *buf = context;

	buf_add(buf, data, size);
	return buf_failed(buf) ? -1 : 0;
}

static void dump(const json_t *json, struct buf *buf, size_t flags)
{
	if (json_dump_callback(json, to_buf, buf, flags | JSON_ENCODE_ANY))
		buf->failed = true;
}

/* With as few digits as read back the same: 0.1 stays 0.1. (jansson < 2.15 writes 17 digits.) */
static void render_real(const json_t *json, struct buf *buf)
{
	double value = json_real_value(json);
	char text[40];
	int digits = 14;

	do
		snprintf(text, sizeof(text), "%.*g", ++digits, value);
	while (digits < 17 && strtod(text, NULL) != value);
	dump(json, buf, JSON_REAL_PRECISION((size_t)digits));
}

static void new_line(struct buf *buf, int depth)
{
	if (depth < 0)
		return;
	buf_add_str(buf, "\n");
	for (int i = 0; i < depth; i++)
		buf_add_str(buf, "  ");
}

static void render(const json_t *json, struct buf *buf, int depth);

/* What is between the braces or brackets. depth -1: all on one line. */
static void render_members(const json_t *json, struct buf *buf, int depth)
{
	void *iter = json_object_iter((json_t *)(uintptr_t)json);
	const char *separator = "";

	for (; iter; iter = json_object_iter_next((json_t *)(uintptr_t)json, iter)) {
		_cleanup_json_ json_t *key = json_string_nocheck(json_object_iter_key(iter));

		buf_add_str(buf, separator);
		new_line(buf, depth);
		dump(key, buf, 0);
		buf_add_str(buf, depth < 0 ? ":" : ": ");
		render(json_object_iter_value(iter), buf, depth);
		separator = ",";
	}
}

static void render_elements(const json_t *json, struct buf *buf, int depth)
{
	for (size_t i = 0; i < json_array_size(json); i++) {
		if (i)
			buf_add_str(buf, ",");
		new_line(buf, depth);
		render(json_array_get(json, i), buf, depth);
	}
}

static void render(const json_t *json, struct buf *buf, int depth)
{
	int inner = depth < 0 ? depth : depth + 1;

	if (json_is_object(json) && json_object_size(json)) {
		buf_add_str(buf, "{");
		render_members(json, buf, inner);
		new_line(buf, depth);
		buf_add_str(buf, "}");
	} else if (json_is_array(json) && json_array_size(json)) {
		buf_add_str(buf, "[");
		render_elements(json, buf, inner);
		new_line(buf, depth);
		buf_add_str(buf, "]");
	} else if (json_is_real(json)) {
		render_real(json, buf);
	} else {
		dump(json, buf, JSON_COMPACT);
	}
}

void json_render_pretty(const json_t *json, struct buf *buf)
{
	render(json, buf, 0);
	buf_add_str(buf, "\n");
}

void json_render_line(const json_t *json, struct buf *buf)
{
	render(json, buf, -1);
	buf_add_str(buf, "\n");
}

json_t *json_parse(const char *text, size_t len, const char *what, struct err *err)
{
	json_error_t error;
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);

	if (!json)
		err_set(err, ERR_VALIDATION_ERROR, "%s, line %d, column %d: %s", what,
			error.line > 0 ? error.line : 1, error.column > 0 ? error.column : 1,
			error.text);
	return json;
}

char *base64_encode(const void *bytes, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";
	const unsigned char *in = bytes;
	char *ret, *out;

	out = ret = malloc((len + 2) / 3 * 4 + 1);
	if (!ret)
		return NULL;
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t bits = (uint32_t)in[i] << 16;

		if (left > 1)
			bits |= (uint32_t)in[i + 1] << 8;
		if (left > 2)
			bits |= in[i + 2];
		*out++ = digits[bits >> 18];
		*out++ = digits[bits >> 12 & 63];
		*out++ = left > 1 ? digits[bits >> 6 & 63] : '=';
		*out++ = left > 2 ? digits[bits & 63] : '=';
	}
	*out = '\0';
	return ret;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(const char *text, size_t len, struct buf *ret_bytes)
{
	if (len % 4)
		return false;
	for (size_t i = 0; i < len; i += 4) {
		size_t padding = 0;
		uint32_t bits = 0;

		if (i + 4 == len && text[i + 3] == '=')
			padding = text[i + 2] == '=' ? 2 : 1;
		for (size_t j = 0; j < 4; j++) {
			int digit = j < 4 - padding ? base64_digit(text[i + j]) : 0;

			if (digit < 0)
				return false;
			bits = bits << 6 | (uint32_t)digit;
		}
		buf_add(ret_bytes,
			(const char[]){(char)(bits >> 16), (char)(bits >> 8), (char)bits},
			3 - padding);
	}
	return true;
}
