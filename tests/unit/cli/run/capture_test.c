/* SPDX-License-Identifier: MIT */
#include "cli/run/capture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sys.h"

static struct capture capture;
static json_t *object; /* what a captured output is added to */

static void prepare(void)
{
	object = json_object();
}

static void release(void)
{
	json_decref(object);
	if (capture.total_bytes)
		capture_release(&capture);
}

TestSuite(capture, .init = prepare, .fini = release);

/* Writes len bytes of a pattern into the capture from a child, as COMMAND would. */
static void write_pattern(size_t len, bool spooled)
{
	pid_t pid;

	cr_assert_eq(capture_open(&capture, spooled), 0);
	pid = fork();
	if (pid == 0) {
		for (size_t i = 0; i < len; i++) {
			static char piece[4096];
			size_t n = 0;

			for (; n < sizeof(piece) && i + n < len; n++)
				piece[n] = (char)('a' + (i + n) % 23);
			if (sys_write_all(capture.write_fd, piece, n) < 0)
				_exit(1);
			i += n - 1;
		}
		_exit(0);
	}
	capture_started(&capture);
	while (capture.read_fd >= 0)
		capture_read(&capture);
	waitpid(pid, NULL, 0);
}

static void set_head(const void *data, size_t len, uint64_t total_bytes)
{
	if (capture.total_bytes)
		capture_release(&capture);
	capture = CAPTURE_NONE;
	json_object_clear(object);
	buf_add(&capture.head, data, len);
	capture.total_bytes = total_bytes;
}

Test(capture, a_small_output_is_kept_as_it_is)
{
	write_pattern(1000, false);
	capture_add_to(&capture, object, "stdout");
	cr_assert_not(capture_truncated(&capture));
	cr_assert_eq(json_string_length(json_object_get(object, "stdout")), 1000);
	cr_assert_eq(json_string_value(json_object_get(object, "stdout"))[25], 'c');
}

Test(capture, what_is_over_the_limit_is_read_and_dropped)
{
	write_pattern(CAPTURE_MAX + 12345, false);
	cr_assert(capture_truncated(&capture));
	cr_assert_eq(capture.head.len, CAPTURE_MAX);
	cr_assert_eq(capture.total_bytes, CAPTURE_MAX + 12345);
	cr_assert_eq(capture.spool_fd, -1);
}

Test(capture, a_spooled_output_is_passed_on_whole)
{
	const size_t len = 3 * CAPTURE_MAX + 77;
	int fd = memfd_create("copy", 0);
	char *copy = malloc(len + 1);

	write_pattern(len, true);
	cr_assert_eq(capture_pass_on(&capture, fd), 0);
	cr_assert_eq(pread(fd, copy, len + 1, 0), (ssize_t)len);
	for (size_t i = 0; i < len; i++)
		cr_assert_eq(copy[i], (char)('a' + i % 23), "byte %zu", i);
	free(copy);
}

Test(capture, nothing_is_an_empty_text)
{
	set_head("", 0, 0);
	capture_add_to(&capture, object, "stderr");
	cr_assert_str_eq(json_string_value(json_object_get(object, "stderr")), "");
}

Test(capture, what_is_no_utf8_becomes_base64)
{
	set_head("\xff\xfe", 2, 2);
	capture_add_to(&capture, object, "stdout");
	cr_assert_null(json_object_get(object, "stdout"));
	cr_assert_str_eq(json_string_value(json_object_get(object, "stdout_b64")), "//4=");
}

Test(capture, a_cut_within_a_character_leaves_the_text_a_text)
{
	static const struct {
		const char *head;
		const char *text;
	} cases[] = {
		{"ab\xe2\x82", "ab"},
		{"ab\xe2", "ab"},
		{"ab\xe2\x82\xac", "ab\xe2\x82\xac"},
		{"ab\xf0\x9f\x98", "ab"},
		{"ab\xc3\xa9", "ab\xc3\xa9"},
		{"ab", "ab"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		set_head(cases[i].head, strlen(cases[i].head), CAPTURE_MAX + 1);
		capture_add_to(&capture, object, "stdout");
		cr_assert(json_object_get(object, "stdout"), "%zu", i);
		cr_assert_str_eq(json_string_value(json_object_get(object, "stdout")),
				 cases[i].text);
	}
}

Test(capture, text_with_nul_survives)
{
	set_head("a\0b", 3, 3);
	capture_add_to(&capture, object, "stdout");
	cr_assert_eq(json_string_length(json_object_get(object, "stdout")), 3);
}
