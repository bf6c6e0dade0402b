/* SPDX-License-Identifier: MIT */
#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

/* Room for the largest attribute and more. */
#define TEXT_MAX (1u << 17)

struct writer {
	char *text;
	size_t n;
};

static void put(struct writer *writer, char c)
{
	if (writer->n + 1 >= TEXT_MAX)
		broken("a line expands to more than %u bytes", TEXT_MAX);
	writer->text[writer->n++] = c;
}

/* {x*N}: the text of it N times. Returns what follows it. */
static const char *put_repeated(struct writer *writer, const char *from)
{
	const char *star = strchr(from, '*'), *end = strchr(from, '}');
	long count;

	if (!star || !end || end < star)
		broken("not {TEXT*COUNT}: %s", from);
	count = strtol(star + 1, NULL, 10);
	for (long i = 0; i < count; i++)
		for (const char *c = from + 1; c < star; c++)
			put(writer, *c);
	return end + 1;
}

/* After a backslash. Returns what follows it. */
static const char *put_escaped(struct writer *writer, const char *from)
{
	char digits[3] = {0};

	switch (*from) {
	case 'n':
		put(writer, '\n');
		return from + 1;
	case 's':
		put(writer, ' ');
		return from + 1;
	case 'x':
		strncpy(digits, from + 1, 2);
		put(writer, (char)strtoul(digits, NULL, 16));
		return from + 3;
	default:
		put(writer, *from);
		return from + 1;
	}
}

static const char *put_word(struct writer *writer, const char *from, const char *base)
{
	if (*from == '@') {
		while (*base)
			put(writer, *base++);
		from++;
	} else if (strncmp(from, "\"\"", 2) == 0) {
		from += 2;
	}
	while (*from && *from != ' ') {
		if (*from == '{')
			from = put_repeated(writer, from);
		else if (*from == '\\')
			from = put_escaped(writer, from + 1);
		else
			put(writer, *from++);
	}
	put(writer, 0);
	return from;
}

void words_split(struct words *words, const char *line, const char *base)
{
	struct writer writer = {.text = malloc(TEXT_MAX)};

	if (!writer.text)
		broken("out of memory");
	memset(words, 0, sizeof(*words));
	words->text = writer.text;
	for (line += strspn(line, " "); *line; line += strspn(line, " ")) {
		if (words->n == WORDS_MAX)
			broken("too many words: %s", line);
		words->word[words->n++] = writer.text + writer.n;
		line = put_word(&writer, line, base);
	}
}

void words_free(struct words *words)
{
	free(words->text);
}

int64_t word_number(const char *word)
{
	char *end;
	int64_t number = strtoll(word, &end, 10);

	if (*end == 'K' || *end == 'M')
		number *= *end++ == 'K' ? 1 << 10 : 1 << 20;
	if (end == word || *end)
		broken("no number: %s", word);
	return number;
}

mode_t word_mode(const char *word)
{
	char *end;
	unsigned long mode = strtoul(word, &end, 8);

	if (end == word || *end)
		broken("no mode: %s", word);
	return (mode_t)mode;
}

static uint32_t id_of(const struct world *world, const char *word, bool group)
{
	if (strcmp(word, "me") == 0)
		return group ? world->me->gid : world->me->uid;
	if (strcmp(word, "root") == 0)
		return 0;
	if (strcmp(word, "other") == 0)
		return UID_OTHER;
	if (strcmp(word, "group") == 0)
		return GID_SHARED;
	if (strcmp(word, "-") == 0)
		return (uint32_t)-1;
	return (uint32_t)word_number(word);
}

void word_owner(const struct world *world, const char *word, uid_t *ret_uid, gid_t *ret_gid)
{
	char uid[32];
	const char *colon = strchr(word, ':');
	int n = colon ? (int)(colon - word) : (int)strlen(word);

	snprintf(uid, sizeof(uid), "%.*s", n, word);
	*ret_uid = id_of(world, uid, false);
	*ret_gid = id_of(world, colon ? colon + 1 : uid, true);
}

size_t word_slot(const char *word)
{
	if (!word || word[0] < 'a' || word[0] > 'z' || word[1])
		broken("no slot: %s", word ? word : "(none)");
	return (size_t)(word[0] - 'a');
}

uint64_t word_flags(const struct flag_name *names, const char *word)
{
	char copy[256], *rest = NULL;
	uint64_t flags = 0;

	if (!word || strcmp(word, "0") == 0)
		return 0;
	snprintf(copy, sizeof(copy), "%s", word);
	for (char *name = strtok_r(copy, "|", &rest); name; name = strtok_r(NULL, "|", &rest)) {
		const struct flag_name *found = names;

		while (found->name && strcmp(found->name, name) != 0)
			found++;
		if (!found->name)
			broken("no such flag: %s", name);
		flags |= found->value;
	}
	return flags;
}

struct at word_at(const struct world *world, const char *word)
{
	if (word[0] >= 'a' && word[0] <= 'z' && word[1] == ':')
		return (struct at){world->fd[word[0] - 'a'], word + 2, true};
	return (struct at){AT_FDCWD, word, false};
}

int word_at_flags(const char *word)
{
	static const struct flag_name names[] = {
		{"NOFOLLOW", AT_SYMLINK_NOFOLLOW},
		{"FOLLOW", AT_SYMLINK_FOLLOW},
		{"EMPTY", AT_EMPTY_PATH},
		{"REMOVEDIR", AT_REMOVEDIR},
		{"EACCESS", AT_EACCESS},
		{"BAD", 0x40000000},
		{NULL, 0},
	};

	return (int)word_flags(names, word);
}
