/* SPDX-License-Identifier: MIT */
#include "config/variable.h"

#include <stdbool.h>
#include <string.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

/* Length of the variable name that the text begins with; 0: none. */
static size_t name_len(const char *text)
{
	if (*text >= '0' && *text <= '9')
		return 0;
	return strspn(text, LETTERS DIGITS "_");
}

const char *variable_check(const char *text)
{
	bool any = false;

	if (!*text)
		return "it is empty";
	if (!strchr(text, '$'))
		return text[name_len(text)] ? "it is no name of a variable" : NULL;
	while (*text) {
		size_t len;

		if (*text != '$') {
			if (!strchr(LETTERS DIGITS "._:-", *text))
				return "outside of ${NAME} only characters of a session id may stand";
			text++;
			continue;
		}
		if (text[1] != '{')
			return "\"$\" must be followed by \"{NAME}\"";
		len = name_len(text + 2);
		if (len == 0)
			return "\"${\" must be followed by the name of a variable";
		if (text[2 + len] != '}')
			return "\"${\" without \"}\"";
		text += 2 + len + 1;
		any = true;
	}
	return any ? NULL : "it names no variable";
}
