/* SPDX-License-Identifier: MIT */
/* The last operations, for who has to find out. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "world.h"

#define LINES 60
#define LINE_SIZE 400

static char lines[LINES][LINE_SIZE];
static unsigned next;

void log_line(const struct world *world, const char *format, ...)
{
	char *line = lines[next++ % LINES];
	va_list args;

	va_start(args, format);
	vsnprintf(line, LINE_SIZE, format, args);
	va_end(args);
	if (world->options.trace)
		fprintf(stderr, "%s\n", line);
}

void mismatch(const struct world *world, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "--- the last operations, with what both sides said\n");
	for (unsigned i = 0; i < LINES; i++)
		if (lines[(next + i) % LINES][0])
			fprintf(stderr, "%s\n", lines[(next + i) % LINES]);
	fprintf(stderr,
		"MISMATCH (seed %llu, operation %llu): ", (unsigned long long)world->options.seed,
		(unsigned long long)world->number);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(1);
}
