/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define VARS_MAX 4
#define WHO_DEFAULT (1u << PERSON_ROOT | 1u << PERSON_USER)
#define ORIGIN_DEFAULT (1u << ORIGIN_LOWER | 1u << ORIGIN_COPIED | 1u << ORIGIN_UPPER)

const char *const origin_names[N_ORIGINS] = {"lower", "copied", "upper"};

struct var {
	char *name;
	char *values; /* joined by commas */
	char value[128];
};

/* The case that is being read, its variables not yet replaced. */
struct reader {
	struct table *table;
	const char *path;
	unsigned line_number;
	char family[64];
	unsigned who, origin;
	char *base[LINES_MAX];
	size_t n_base;
	struct conform_case draft;
	struct var var[VARS_MAX];
	size_t n_vars;
	bool spread;
};

static void *must(void *memory)
{
	if (!memory)
		broken("out of memory");
	return memory;
}

static void refuse(const struct reader *reader, const char *why, const char *word)
{
	broken("%s:%u: %s: %s", reader->path, reader->line_number, why, word);
}

/* A copy of a line with its variables replaced. */
static char *filled(const struct reader *reader, const char *line)
{
	char out[4096];
	size_t n = 0;

	while (*line && n + 1 < sizeof(out)) {
		const struct var *var = NULL;

		for (size_t i = 0; *line == '$' && i < reader->n_vars; i++)
			if (strncmp(line + 1, reader->var[i].name, strlen(reader->var[i].name)) ==
			    0)
				var = &reader->var[i];
		if (*line == '$' && !var)
			refuse(reader, "no such variable", line);
		if (!var) {
			out[n++] = *line++;
			continue;
		}
		line += 1 + strlen(var->name);
		for (const char *from = var->value; *from && n + 1 < sizeof(out); from++)
			out[n++] = (char)(*from == '+' ? ' ' : *from);
	}
	out[n] = 0;
	return must(strdup(out));
}

/* The first name in a path: what is before it is "@/", a slot, or "../". */
static size_t first_name(const char **path)
{
	const char *at = *path;

	if (at[0] && at[1] == ':')
		at += 2;
	while (strchr("@./", *at) && *at)
		at++;
	*path = at;
	return strcspn(at, "/ ");
}

static bool same_first_name(const char *one, const char *two)
{
	size_t n = first_name(&one);

	return n && n == first_name(&two) && strncmp(one, two, n) == 0;
}

/* Does a word of the line lead to what the fixture makes? */
static bool mentions(const char *line, const char *fixture)
{
	const char *name = strchr(fixture, ' ') + 1;

	/* The verb, or the kind, is no name. */
	line += strcspn(line, " ");
	for (line += strspn(line, " "); *line;
	     line += strcspn(line, " "), line += strspn(line, " "))
		if (same_first_name(line, name))
			return true;
	return false;
}

/*
 * Leaves out the objects of the base, the first so many, that the case does not mention: most of a
 * run's time goes into making objects. One that is mentioned by another, as a target, stays with it.
 */
static void leave_out_unused(struct conform_case *c, size_t n_base)
{
	bool used[LINES_MAX] = {false}, more = true;
	size_t n = 0;

	for (size_t i = 0; i < c->n_given; i++) {
		used[i] = i >= n_base;
		for (size_t k = 0; k < c->n_lines; k++)
			used[i] |= mentions(c->line[k], c->given[i]);
	}
	while (more) {
		more = false;
		for (size_t i = 0; i < c->n_given; i++)
			for (size_t k = 0; k < c->n_given; k++)
				if (used[k] && !used[i] && mentions(c->given[k], c->given[i]))
					used[i] = more = true;
	}
	for (size_t i = 0; i < c->n_given; i++)
		if (used[i])
			c->given[n++] = c->given[i];
	c->n_given = n;
}

/* The n-th, modulo their number, of the bits that are set. */
static unsigned one_bit(unsigned bits, unsigned n)
{
	n %= (unsigned)__builtin_popcount(bits);
	while (n--)
		bits &= bits - 1;
	return bits & ~(bits - 1);
}

/* One person and one origin of those that it has, by its name: over a matrix all have their turn. */
static void spread(struct conform_case *c)
{
	unsigned hash = 2166136261;

	for (const char *at = c->name; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 16777619;
	c->who = one_bit(c->who, hash >> 8 & 0xff);
	c->origin = one_bit(c->origin, hash >> 16 & 0xff);
}

static void add_case(struct reader *reader)
{
	struct table *table = reader->table;
	struct conform_case *c;
	char name[512];
	int n = snprintf(name, sizeof(name), "%s/%s", reader->family, reader->draft.name);

	for (size_t i = 0; i < reader->n_vars; i++)
		n += snprintf(name + n, sizeof(name) - (size_t)n, ",%s",
			      *reader->var[i].value ? reader->var[i].value : "_");
	for (size_t i = 0; i < table->n; i++)
		if (strcmp(table->cases[i].name, name) == 0)
			refuse(reader, "there are two of it", name);
	table->cases = must(realloc(table->cases, (table->n + 1) * sizeof(*table->cases)));
	c = &table->cases[table->n++];
	*c = reader->draft;
	c->name = must(strdup(name));
	for (size_t i = 0; i < c->n_given; i++)
		c->given[i] = filled(reader, c->given[i]);
	for (size_t i = 0; i < c->n_lines; i++)
		c->line[i] = filled(reader, c->line[i]);
	leave_out_unused(c, reader->n_base);
	if (reader->spread && !getenv("CONFORM_FULL"))
		spread(c);
}

/* One case for each combination of the values from the given variable on. */
static void add_combinations(struct reader *reader, size_t from)
{
	struct var *var = &reader->var[from];

	if (from == reader->n_vars) {
		add_case(reader);
		return;
	}
	for (const char *value = var->values; value;) {
		const char *end = strchr(value, ',');
		size_t n = end ? (size_t)(end - value) : strlen(value);

		if (n >= sizeof(var->value))
			refuse(reader, "too long", value);
		memcpy(var->value, value, n);
		var->value[n] = 0;
		if (strcmp(var->value, "_") == 0)
			var->value[0] = 0;
		add_combinations(reader, from + 1);
		value = end ? end + 1 : NULL;
	}
}

static void end_case(struct reader *reader)
{
	if (reader->draft.name)
		add_combinations(reader, 0);
	memset(&reader->draft, 0, sizeof(reader->draft));
	reader->n_vars = 0;
	reader->spread = false;
}

static unsigned bits_of(const struct reader *reader, char *values)
{
	unsigned bits = 0;
	char *rest = NULL;

	for (char *word = strtok_r(values, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		unsigned bit = 0;

		for (unsigned i = 0; i < N_ORIGINS; i++)
			if (strcmp(word, origin_names[i]) == 0)
				bit = 1u << i;
		if (person_find(word))
			bit = 1u << (person_find(word) - persons);
		if (!bit)
			refuse(reader, "neither a person nor an origin", word);
		bits |= bit;
	}
	return bits;
}

/* who= and origin=, in a line of base or case; what else it may be is left to the caller. */
static bool take_scope(const struct reader *reader, char *word, unsigned *who, unsigned *origin)
{
	if (strncmp(word, "who=", 4) == 0)
		*who = bits_of(reader, word + 4);
	else if (strncmp(word, "origin=", 7) == 0)
		*origin = bits_of(reader, word + 7);
	else
		return false;
	return true;
}

static void begin_base(struct reader *reader, char *words)
{
	char *rest = NULL;

	end_case(reader);
	reader->n_base = 0;
	reader->who = WHO_DEFAULT;
	reader->origin = ORIGIN_DEFAULT;
	for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		if (!take_scope(reader, word, &reader->who, &reader->origin))
			refuse(reader, "neither who nor origin", word);
}

static void begin_case(struct reader *reader, char *words)
{
	struct conform_case *draft = &reader->draft;
	char *rest = NULL, *word = strtok_r(words, " ", &rest);

	end_case(reader);
	if (!word)
		refuse(reader, "a case needs a name", words);
	draft->name = must(strdup(word));
	draft->who = reader->who;
	draft->origin = reader->origin;
	memcpy(draft->given, reader->base, sizeof(reader->base));
	draft->n_given = reader->n_base;
	while ((word = strtok_r(NULL, " ", &rest))) {
		char *values = strchr(word, '=');

		if (take_scope(reader, word, &draft->who, &draft->origin))
			continue;
		if (strcmp(word, "spread") == 0) {
			reader->spread = true;
			continue;
		}
		if (!values || reader->n_vars == VARS_MAX)
			refuse(reader, "no variable, or one too many", word);
		*values++ = 0;
		reader->var[reader->n_vars].name = must(strdup(word));
		reader->var[reader->n_vars++].values = must(strdup(values));
	}
}

static void append(const struct reader *reader, char **lines, size_t *n, const char *line)
{
	if (*n == LINES_MAX)
		refuse(reader, "too many lines", line);
	lines[(*n)++] = must(strdup(line));
}

static void take_line(struct reader *reader, char *line)
{
	struct conform_case *draft = &reader->draft;

	if (strcmp(line, "base") == 0 || strncmp(line, "base ", 5) == 0)
		begin_base(reader, line + 4);
	else if (strncmp(line, "case ", 5) == 0)
		begin_case(reader, line + 5);
	else if (strncmp(line, "given ", 6) == 0 && draft->name)
		append(reader, draft->given, &draft->n_given, line + 6);
	else if (strncmp(line, "given ", 6) == 0)
		append(reader, reader->base, &reader->n_base, line + 6);
	else if (draft->name)
		append(reader, draft->line, &draft->n_lines, line);
	else
		refuse(reader, "no case has begun", line);
}

void table_read(struct table *table, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct reader reader = {
		.table = table, .path = path, .who = WHO_DEFAULT, .origin = ORIGIN_DEFAULT};
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	if (!file)
		broken("%s: %m", path);
	snprintf(reader.family, sizeof(reader.family), "%s", slash ? slash + 1 : path);
	reader.family[strcspn(reader.family, ".")] = 0;
	while ((n = getline(&line, &size, file)) >= 0) {
		char *begin = line + strspn(line, " \t");

		reader.line_number++;
		while (n > 0 && strchr(" \t\n", line[n - 1]))
			line[--n] = 0;
		if (*begin && *begin != '#')
			take_line(&reader, begin);
	}
	end_case(&reader);
	free(line);
	fclose(file);
}
