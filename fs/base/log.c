/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define LINE_MAX_BYTES 2048

static const char *const level_names[] = {
	[LOG_LEVEL_DEBUG] = "debug",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_ERROR] = "error",
};

/* Set by log_init() before there are threads, read only afterwards. */
static enum log_level threshold = LOG_LEVEL_INFO;
static char program_name[32] = "sessionfs";

void log_init(const char *program)
{
	const char *wanted = getenv("SESSIONFS_LOG");

	snprintf(program_name, sizeof(program_name), "%s", program);
	threshold = LOG_LEVEL_INFO;
	if (!wanted)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(level_names); i++)
		if (!strcmp(level_names[i], wanted))
			threshold = (enum log_level)i;
}

void log_write(enum log_level level, const char *format, ...)
{
	char line[LINE_MAX_BYTES], now[CLOCK_ISO_SIZE];
	int saved = errno;
	size_t start, len;
	va_list args;

	if (level < threshold)
		return;
	clock_format_iso(clock_real_ns(), now);
	start = (size_t)snprintf(line, sizeof(line), "%s %s[%d] %s: ", now, program_name,
				 (int)getpid(), level_names[level]);
	errno = saved; /* for %m */
	va_start(args, format);
	vsnprintf(line + start, sizeof(line) - 1 - start, format, args);
	va_end(args);
	len = strlen(line);
	/* A file name with a newline must not forge a line. */
	for (size_t i = start; i < len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[len++] = '\n';
	/* One write, so that lines of several threads and processes do not mix. */
	while (write(STDERR_FILENO, line, len) < 0 && errno == EINTR)
		;
	errno = saved;
}
