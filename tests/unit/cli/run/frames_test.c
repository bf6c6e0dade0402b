/* SPDX-License-Identifier: MIT */
#include "cli/run/frames.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <unistd.h>

static int write_fd;
static struct frame_reader reader;

static void open_pipe(void)
{
	int ends[2];

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	reader.fd = ends[0];
	write_fd = ends[1];
}

static const char *next_name(void)
{
	static char name[32];
	json_t *frame = frame_reader_next(&reader);

	snprintf(name, sizeof(name), "%s",
		 frame ? json_string_value(json_object_get(frame, "frame")) : "none");
	json_decref(frame);
	return name;
}

static void close_pipe(void)
{
	frame_reader_release(&reader);
}

TestSuite(frames, .init = open_pipe, .fini = close_pipe);

Test(frames, come_out_as_they_went_in)
{
	frame_send_consume(write_fd, "begun", json_pack("{s:s}", "note", "a\nb"));
	frame_send_consume(write_fd, "idle", NULL);
	frame_reader_fill(&reader);
	cr_assert_str_eq(next_name(), "begun");
	cr_assert_str_eq(next_name(), "idle");
	cr_assert_str_eq(next_name(), "none");
	cr_assert_not(reader.ended);
}

Test(frames, half_a_frame_waits_for_its_other_half)
{
	cr_assert_eq(write(write_fd, "{\"frame\": \"id", 13), 13);
	frame_reader_fill(&reader);
	cr_assert_str_eq(next_name(), "none");
	cr_assert_eq(write(write_fd, "le\"}\n", 5), 5);
	frame_reader_fill(&reader);
	cr_assert_str_eq(next_name(), "idle");
}

Test(frames, the_end_shows_after_what_was_said)
{
	frame_send_consume(write_fd, "stopped", NULL);
	close(write_fd);
	frame_reader_fill(&reader);
	cr_assert(reader.ended);
	cr_assert_str_eq(next_name(), "stopped");
}
