/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

static int real_stderr;

/* stderr goes into a pipe until captured(). Returns its reading end. */
static int capture(void)
{
	int ends[2];

	real_stderr = dup(STDERR_FILENO);
	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	close(ends[1]);
	return ends[0];
}

static void captured(int fd, char *ret, size_t size)
{
	ssize_t n;

	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	n = read(fd, ret, size - 1);
	cr_assert_geq(n, 0);
	ret[n] = '\0';
	close(fd);
}

Test(log, a_line_has_time_program_process_and_level)
{
	char text[4096];
	regex_t regex;
	int fd = capture();

	unsetenv("SESSIONFS_LOG");
	log_init("tester");
	log_warning("disk %d%% full", 91);
	captured(fd, text, sizeof(text));
	cr_assert_eq(regcomp(&regex,
			     "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z "
			     "tester\\[[0-9]+\\] warning: disk 91% full\n$",
			     REG_EXTENDED | REG_NOSUB),
		     0);
	cr_assert_eq(regexec(&regex, text, 0, NULL, 0), 0, "%s", text);
	regfree(&regex);
}

Test(log, the_environment_sets_the_level)
{
	static const struct {
		const char *wanted;
		int lines;
	} cases[] = {{"debug", 4}, {"info", 3}, {"warning", 2}, {"error", 1}, {"nonsense", 3}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[4096];
		int lines = 0, fd = capture();

		setenv("SESSIONFS_LOG", cases[i].wanted, 1);
		log_init("tester");
		log_debug("d");
		log_info("i");
		log_warning("w");
		log_error("e");
		captured(fd, text, sizeof(text));
		for (const char *at = text; (at = strchr(at, '\n')); at++)
			lines++;
		cr_assert_eq(lines, cases[i].lines, "%s", cases[i].wanted);
	}
}

Test(log, a_message_is_one_line_however_long_and_whatever_it_quotes)
{
	char text[8192], name[4000];
	int fd = capture();

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	log_init("tester");
	log_error("forged\n2026-11-23 line%s", name);
	captured(fd, text, sizeof(text));
	cr_assert_not_null(strstr(text, "forged?2026-11-23 line"));
	cr_assert_eq(strchr(text, '\n'), text + strlen(text) - 1);
}

Test(log, errno_is_kept)
{
	log_init("tester");
	close(STDERR_FILENO);
	errno = ENOTTY;
	log_error("nowhere to go");
	cr_assert_eq(errno, ENOTTY);
}
