/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

static const struct {
	const char *name;
	enum exit_code exit_code;
	bool retryable;
} codes[] = {[ERR_NONE] = {"", EXIT_CODE_OK, false},
#define X(code, exit, again) [ERR_##code] = {#code, exit, again},
	     ERR_CODES(X)
#undef X
};

/* A message is one line whatever file names it quotes. */
static void keep_one_line(char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c == 0x7f)
			*text = '?';
	}
}

__attribute__((format(printf, 4, 0))) static void set_text(char *ret, size_t size, const char *tail,
							   const char *format, va_list args)
{
	/* Formatted aside: the arguments may point into `ret`, where an error is put in context. */
	char text[sizeof(((struct err *)NULL)->message)];
	size_t tail_len = strlen(tail);

	vsnprintf(text, size - tail_len, format, args);
	keep_one_line(text);
	memcpy(text + strlen(text), tail, tail_len + 1);
	memcpy(ret, text, strlen(text) + 1);
}

int err_set(struct err *err, enum err_code code, const char *format, ...)
{
	va_list args;

	err->code = code;
	va_start(args, format);
	set_text(err->message, sizeof(err->message), "", format, args);
	va_end(args);
	err->suggestion[0] = '\0';
	return -1;
}

int err_set_errno(struct err *err, enum err_code code, int errno_value, const char *format, ...)
{
	const char *description = strerrordesc_np(errno_value);
	char tail[96];
	va_list args;

	if (description)
		snprintf(tail, sizeof(tail), ": %s", description);
	else
		snprintf(tail, sizeof(tail), ": error %d", errno_value);
	err->code = code;
	va_start(args, format);
	set_text(err->message, sizeof(err->message), tail, format, args);
	va_end(args);
	err->suggestion[0] = '\0';
	return -1;
}

int err_suggest(struct err *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set_text(err->suggestion, sizeof(err->suggestion), "", format, args);
	va_end(args);
	return -1;
}

static enum err_code known(enum err_code code)
{
	return (size_t)code < ARRAY_SIZE(codes) ? code : ERR_INTERNAL_ERROR;
}

const char *err_code_name(enum err_code code)
{
	return codes[known(code)].name;
}

enum exit_code err_code_exit(enum err_code code)
{
	return codes[known(code)].exit_code;
}

bool err_code_retryable(enum err_code code)
{
	return codes[known(code)].retryable;
}

enum err_code err_code_by_name(const char *name)
{
	for (size_t i = ERR_NONE + 1; i < ARRAY_SIZE(codes); i++)
		if (!strcmp(codes[i].name, name))
			return (enum err_code)i;
	return ERR_INTERNAL_ERROR;
}
