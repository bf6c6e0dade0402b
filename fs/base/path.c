/* SPDX-License-Identifier: MIT */
#include "base/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A run of bytes inside a path or a glob: one component. */
struct span {
	const char *at, *end;
};

/* The component at `at`, up to the next '/' or the end of the string. */
static struct span component(const char *at)
{
	return (struct span){at, strchrnul(at, '/')};
}

static struct span component_next(struct span span)
{
	return component(*span.end ? span.end + 1 : span.end);
}

static bool component_is_double_star(struct span span)
{
	return span.end - span.at == 2 && span.at[0] == '*' && span.at[1] == '*';
}

/* The byte at *at, unescaped; moves behind it. A trailing backslash stands for itself. */
static unsigned char literal(const char **at, const char *end)
{
	if (**at == '\\' && *at + 1 < end)
		(*at)++;
	return (unsigned char)*(*at)++;
}

/* The ']' that closes the set opened at `at`, or NULL. */
static const char *set_end(const char *at, const char *end)
{
	at++;
	if (at < end && (*at == '!' || *at == '^'))
		at++;
	/* A ']' that comes first is a member. */
	if (at < end && *at == ']')
		at++;
	while (at < end && *at != ']')
		literal(&at, end);
	return at < end ? at : NULL;
}

static bool set_matches(const char *at, const char *close, unsigned char c)
{
	bool negated = at[1] == '!' || at[1] == '^', found = false;

	at += negated ? 2 : 1;
	while (at < close) {
		unsigned char low = literal(&at, close), high = low;

		if (at + 1 < close && *at == '-') {
			at++;
			high = literal(&at, close);
		}
		found |= low <= c && c <= high;
	}
	return found != negated;
}

/* Matches one byte against the glob's element at *glob, which is no '*'; moves behind it. */
static bool element_matches(const char **glob, const char *end, unsigned char c)
{
	if (**glob == '?') {
		(*glob)++;
		return true;
	}
	if (**glob == '[') {
		const char *open = *glob, *close = set_end(open, end);

		if (close) {
			*glob = close + 1;
			return set_matches(open, close, c);
		}
	}
	return literal(glob, end) == c;
}

/*
 * The usual trick: on a mismatch go back to the last '*' only and let it take one byte more.
 * Earlier ones need no second chance, since the last can take whatever they would give up.
 */
static bool component_matches(struct span glob, struct span text)
{
	const char *star = NULL, *resume = NULL;

	while (text.at < text.end) {
		if (glob.at < glob.end && *glob.at == '*') {
			star = ++glob.at;
			resume = text.at;
			continue;
		}
		if (glob.at < glob.end &&
		    element_matches(&glob.at, glob.end, (unsigned char)*text.at)) {
			text.at++;
			continue;
		}
		if (!star)
			return false;
		glob.at = star;
		text.at = ++resume;
	}
	while (glob.at < glob.end && *glob.at == '*')
		glob.at++;
	return glob.at == glob.end;
}

/* The same trick over components, with '**' in the place of '*'. */
static bool path_matches(const char *glob_text, const char *path)
{
	struct span glob = component(glob_text), text = component(path);
	struct span after_star = {0}, resume = {0};

	while (*text.at) {
		if (component_is_double_star(glob)) {
			/* At the end it takes all that is left, which is not nothing. */
			if (!*glob.end)
				return true;
			after_star = glob = component_next(glob);
			resume = text;
			continue;
		}
		if (*glob.at && component_matches(glob, text)) {
			glob = component_next(glob);
			text = component_next(text);
			continue;
		}
		if (!after_star.at)
			return false;
		glob = after_star;
		text = resume = component_next(resume);
	}
	return !*glob.at;
}

bool path_glob_match(const char *glob, const char *relative_path)
{
	if (!*relative_path)
		return false;
	if (strchr(glob, '/'))
		return path_matches(glob, relative_path);
	return component_matches(component(glob), component(path_base(relative_path)));
}

static const char *component_check(struct span span)
{
	if (span.at == span.end)
		return "a component is empty ('//', or a '/' at the beginning or the end)";
	if (span.end - span.at == 1 && span.at[0] == '.')
		return "'.' is no component";
	if (span.end - span.at == 2 && span.at[0] == '.' && span.at[1] == '.')
		return "'..' is no component";
	while (span.at < span.end) {
		const char *close;

		if (*span.at == '\\' && span.at + 1 == span.end)
			return "a backslash escapes nothing";
		if (*span.at != '[') {
			literal(&span.at, span.end);
			continue;
		}
		close = set_end(span.at, span.end);
		if (!close)
			return "'[' is not closed by ']' before the next '/'";
		for (const char *at = span.at + 1; at + 1 < close; at++)
			if (*at == '[' && strchr(":.=", at[1]))
				return "classes such as [:alpha:] are not supported";
		span.at = close + 1;
	}
	return NULL;
}

const char *path_glob_check(const char *glob)
{
	struct span span = component(glob);

	if (!*glob)
		return "it is empty";
	for (;;) {
		const char *why = component_check(span);

		if (why || !*span.end)
			return why;
		span = component(span.end + 1);
	}
}

bool path_is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (len == 1 && dir[0] == '/')
		return path[0] == '/';
	return !strncmp(path, dir, len) && (path[len] == '\0' || path[len] == '/');
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *path_normalise(const char *path)
{
	char *ret, *out;

	if (*path != '/') {
		errno = EINVAL;
		return NULL;
	}
	out = ret = malloc(strlen(path) + 1);
	if (!ret)
		return NULL;
	for (struct span span = component(path); *span.end;) {
		size_t len;

		span = component(span.end + 1);
		len = (size_t)(span.end - span.at);
		if (len == 0 || (len == 1 && span.at[0] == '.'))
			continue;
		if (len == 2 && span.at[0] == '.' && span.at[1] == '.') {
			free(ret);
			errno = EINVAL;
			return NULL;
		}
		*out++ = '/';
		out = (char *)mempcpy(out, span.at, len);
	}
	if (out == ret)
		*out++ = '/';
	*out = '\0';
	return ret;
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool path_is_session_id(const char *text)
{
	size_t len = 0;

	if (!is_alnum(text[0]))
		return false;
	for (; text[len]; len++)
		if (len == 64 || !(is_alnum(text[len]) || strchr("._:-", text[len])))
			return false;
	return true;
}
