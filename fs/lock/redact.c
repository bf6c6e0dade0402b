/* SPDX-License-Identifier: MIT */
#include "lock/redact.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/path.h"

/* Parts of a name that make its value a secret. */
static const char *const secret_words[] = {"pass",       "secret",   "token", "key",
					   "credential", "authoriz", "_auth", "pwd"};
/* Names with these ends tell where the secret is, not what it is. */
static const char *const harmless_ends[] = {"-file", "-stdin", "-path", "_file", "_path"};

/* Marks of tokens by their issuers, and what at least follows. */
static const struct token_mark {
	const char *prefix;
	size_t min_tail;
} token_marks[] = {
	{"AKIA", 12},    {"ASIA", 12},    {"ghp_", 8},        {"gho_", 8},    {"ghu_", 8},
	{"ghs_", 8},     {"ghr_", 8},     {"github_pat_", 8}, {"glpat-", 8},  {"sk-", 16},
	{"sk_live_", 8}, {"sk_test_", 8}, {"rk_live_", 8},    {"xoxb-", 8},   {"xoxp-", 8},
	{"xoxa-", 8},    {"xoxr-", 8},    {"xoxs-", 8},       {"xapp-", 8},   {"AIza", 16},
	{"npm_", 16},    {"pypi-", 16},   {"hf_", 16},        {"dop_v1_", 8}, {"SG.", 16},
	{"eyJ", 16},     {"ya29.", 8},
};

static const char *const pass_programs[] = {"mysql", "mysqldump", "mysqladmin", "mariadb",
					    "sshpass"};

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static bool ends_with(const char *name, size_t len, const char *end)
{
	size_t end_len = strlen(end);

	return len >= end_len && strncasecmp(name + len - end_len, end, end_len) == 0;
}

static bool is_secret_name(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(harmless_ends); i++)
		if (ends_with(name, len, harmless_ends[i]))
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(secret_words); i++) {
		size_t word_len = strlen(secret_words[i]);

		for (size_t at = 0; at + word_len <= len; at++)
			if (strncasecmp(name + at, secret_words[i], word_len) == 0)
				return true;
	}
	return false;
}

static size_t name_length(const char *text)
{
	size_t len = 0;

	while (is_name_char(text[len]))
		len++;
	return len;
}

/* Length of a token of a known kind at `text`, 0 where there is none. */
static size_t token_length(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(token_marks); i++) {
		size_t prefix_len = strlen(token_marks[i].prefix);

		if (strncmp(text, token_marks[i].prefix, prefix_len) == 0) {
			size_t tail = name_length(text + prefix_len);

			if (tail >= token_marks[i].min_tail)
				return prefix_len + tail;
		}
	}
	return 0;
}

/* After a secret name: bytes up to and including what introduces its value; 0: no value here. */
static size_t introduction_length(const char *text, char *ret_quote)
{
	size_t len = 0;

	*ret_quote = '\0';
	if (text[len] == '"' || text[len] == '\'')
		len++;
	while (text[len] == ' ')
		len++;
	if (text[len] != '=' && text[len] != ':')
		return 0;
	len++;
	while (text[len] == ' ')
		len++;
	if (text[len] == '"' || text[len] == '\'')
		*ret_quote = text[len++];
	return len;
}

static size_t value_length(const char *text, char quote, bool to_the_end)
{
	size_t len = 0;

	if (quote) {
		while (text[len] && text[len] != quote)
			len += text[len] == '\\' && text[len + 1] ? 2 : 1;
		return len;
	}
	return to_the_end ? strlen(text) : strcspn(text, "&;,\"' \t\n");
}

/*
 * At the start of a name: appends name and hidden value where it is a secret's. A header's value
 * ("Authorization: Bearer x") and that of an argument which begins with the name go to the end.
 */
static size_t redact_named_value(const char *text, bool is_first, struct buf *buf)
{
	size_t len = name_length(text);
	size_t intro;
	char quote;

	if (len == 0 || !is_secret_name(text, len))
		return 0;
	intro = introduction_length(text + len, &quote);
	if (intro == 0 || !text[len + intro])
		return 0;
	buf_add(buf, text, len + intro);
	buf_add_str(buf, REDACTED);
	len += intro;
	return len +
	       value_length(text + len, quote, is_first || memchr(text + len - intro, ':', intro));
}

/* At "://": hides the password of user:password@host. */
static size_t redact_url(const char *text, struct buf *buf)
{
	size_t authority = strcspn(text + 3, "/?# \t\n");
	const char *at = memrchr(text + 3, '@', authority);
	const char *colon = at ? memchr(text + 3, ':', (size_t)(at - text - 3)) : NULL;

	if (!colon)
		return 0;
	buf_add(buf, text, (size_t)(colon + 1 - text));
	buf_add_str(buf, REDACTED);
	return (size_t)(at - text);
}

static void redact_inside(const char *text, struct buf *buf)
{
	const char *start = text;
	char before = '\0';

	while (*text) {
		size_t done = 0;

		if (strncmp(text, "://", 3) == 0)
			done = redact_url(text, buf);
		if (done == 0 && !is_name_char(before)) {
			done = redact_named_value(text, text == start, buf);
			if (done == 0 && (done = token_length(text)) > 0)
				buf_add_str(buf, REDACTED);
		}
		if (done == 0) {
			buf_add(buf, text, 1);
			done = 1;
		}
		before = text[done - 1];
		text += done;
	}
}

static void begin(struct redact_state *state, const char *program)
{
	const char *base = path_base(program);

	state->started = true;
	for (size_t i = 0; i < ARRAY_SIZE(pass_programs); i++)
		if (strcmp(base, pass_programs[i]) == 0)
			state->short_is_pass = true;
}

/* -u USER:PASSWORD as curl has it. */
static void redact_user(const char *argument, struct buf *buf)
{
	const char *colon = strchr(argument, ':');

	if (!colon) {
		redact_inside(argument, buf);
		return;
	}
	buf_add(buf, argument, (size_t)(colon + 1 - argument));
	buf_add_str(buf, REDACTED);
}

/* Sets what an option without its value says of the next argument. */
static void expect_next(struct redact_state *state, const char *argument)
{
	size_t len = strlen(argument);

	if (argument[0] != '-' || len < 2)
		return;
	state->user_next = strcmp(argument, "-u") == 0 || strcmp(argument, "--user") == 0;
	state->hide_next = (state->short_is_pass && strcmp(argument, "-p") == 0) ||
			   (name_length(argument) == len && is_secret_name(argument, len));
}

void redact_argument(struct redact_state *state, const char *argument, struct buf *ret_buf)
{
	bool hide = state->hide_next;
	bool user = state->user_next;

	buf_add_str(ret_buf, "");
	if (!state->started) {
		begin(state, argument);
		redact_inside(argument, ret_buf);
		return;
	}
	state->hide_next = false;
	state->user_next = false;
	if (hide || strstr(argument, "PRIVATE KEY-----")) {
		buf_add_str(ret_buf, REDACTED);
	} else if (user) {
		redact_user(argument, ret_buf);
	} else if (state->short_is_pass && strncmp(argument, "-p", 2) == 0 && argument[2]) {
		buf_add_str(ret_buf, "-p" REDACTED);
	} else {
		redact_inside(argument, ret_buf);
		expect_next(state, argument);
	}
}
