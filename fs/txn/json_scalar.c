/* SPDX-License-Identifier: MIT */
#include "txn/json_scalar.h"

#include <string.h>

struct json_string_reader json_string_reader(const char *string)
{
	return (struct json_string_reader){.at = string + 1};
}

static uint32_t hex4(const char *at)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++) {
		uint32_t c = (unsigned char)at[i];

		value = value << 4 | (c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
	}
	return value;
}

/* Behind \u. */
static uint32_t code_point(struct json_string_reader *reader)
{
	uint32_t code = hex4(reader->at);

	reader->at += 4;
	if (code < 0xd800 || code >= 0xe000)
		return code;
	code = 0x10000 + ((code - 0xd800) << 10) + (hex4(reader->at + 2) - 0xdc00);
	reader->at += 6;
	return code;
}

/* The first byte of a code point; the others are kept as the rest. */
static int encode(struct json_string_reader *reader, uint32_t code)
{
	unsigned n = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
	static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};

	for (unsigned i = 0; i < n; i++, code >>= 6)
		reader->rest[i] = (unsigned char)(0x80 | (code & 0x3f));
	reader->n_rest = n;
	return (int)(lead[n] | code);
}

int json_string_next(struct json_string_reader *reader)
{
	static const char escapes[] = "bfnrt", meant[] = "\b\f\n\r\t";
	const char *escape;
	char c;

	if (reader->n_rest)
		return reader->rest[--reader->n_rest];
	if (*reader->at == '"')
		return -1;
	c = *reader->at++;
	if (c != '\\')
		return (unsigned char)c;
	c = *reader->at++;
	if (c == 'u')
		return encode(reader, code_point(reader));
	escape = strchr(escapes, c);
	return (unsigned char)(escape ? meant[escape - escapes] : c);
}

int json_string_compare(const char *a, const char *b)
{
	struct json_string_reader left = json_string_reader(a), right = json_string_reader(b);
	int x, y;

	do {
		x = json_string_next(&left);
		y = json_string_next(&right);
	} while (x == y && x >= 0);
	return x - y;
}

uint64_t json_string_prefix(const char *string)
{
	struct json_string_reader reader = json_string_reader(string);
	uint64_t prefix = 0;
	int byte = 0;

	for (int i = 0; i < 8; i++) {
		if (byte >= 0)
			byte = json_string_next(&reader);
		prefix = prefix << 8 | (byte >= 0 ? (uint64_t)byte : 0);
	}
	return prefix;
}

/* 0.DIGITS times ten to the EXPONENT, without zeros at either end; zero has no digits. */
struct decimal {
	bool negative;
	const char *digits; /* may have a point in it */
	size_t n_digits;    /* without the point */
	int64_t exponent;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The mantissa ends at END. */
static void read_mantissa(const char *at, const char *end, struct decimal *ret)
{
	const char *point = memchr(at, '.', (size_t)(end - at));
	const char *first = at, *last = end;

	while (first < end && !(*first >= '1' && *first <= '9'))
		first++;
	while (last > first && !(last[-1] >= '1' && last[-1] <= '9'))
		last--;
	ret->digits = first;
	ret->n_digits = (size_t)(last - first);
	if (!point)
		point = end;
	else if (point > first && point < last)
		ret->n_digits--;
	ret->exponent = point > first ? point - first : point + 1 - first;
}

/* False where the exponent has too many digits. */
static bool read_exponent(const char *at, const char *end, int64_t *ret)
{
	bool negative = at < end && *at == '-';
	int64_t value = 0;

	if (at < end && !is_digit(*at))
		at++;
	while (at < end && *at == '0')
		at++;
	if (end - at > 18)
		return false;
	for (; at < end; at++)
		value = value * 10 + (*at - '0');
	*ret = negative ? -value : value;
	return true;
}

static bool read_decimal(struct json_text text, struct decimal *ret)
{
	const char *at = text.at, *end = text.at + text.len, *mantissa_end;
	int64_t exponent;

	ret->negative = *at == '-';
	if (ret->negative)
		at++;
	for (mantissa_end = at; mantissa_end < end; mantissa_end++)
		if (!is_digit(*mantissa_end) && *mantissa_end != '.')
			break;
	read_mantissa(at, mantissa_end, ret);
	if (!ret->n_digits) {
		*ret = (struct decimal){.digits = at};
		return true;
	}
	if (mantissa_end == end)
		return true;
	if (!read_exponent(mantissa_end + 1, end, &exponent))
		return false;
	ret->exponent += exponent;
	return true;
}

bool json_number_equal(struct json_text a, struct json_text b)
{
	struct decimal x, y;

	if (a.len == b.len && memcmp(a.at, b.at, a.len) == 0)
		return true;
	if (!read_decimal(a, &x) || !read_decimal(b, &y))
		return false;
	if (x.negative != y.negative || x.n_digits != y.n_digits || x.exponent != y.exponent)
		return false;
	for (size_t left = x.n_digits; left; left--, x.digits++, y.digits++) {
		x.digits += *x.digits == '.';
		y.digits += *y.digits == '.';
		if (*x.digits != *y.digits)
			return false;
	}
	return true;
}
