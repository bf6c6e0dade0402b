/* SPDX-License-Identifier: MIT */
#include "cli/run/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"

#define PIECE (64u << 10)

int capture_open(struct capture *capture, bool spooled)
{
	int ends[2];

	*capture = CAPTURE_NONE;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	capture->read_fd = ends[0];
	capture->write_fd = ends[1];
	capture->spooled = spooled;
	return 0;
}

static void close_fd(int *fd)
{
	cleanup_close(fd);
	*fd = -1;
}

void capture_started(struct capture *capture)
{
	close_fd(&capture->write_fd);
}

void capture_release(struct capture *capture)
{
	close_fd(&capture->read_fd);
	close_fd(&capture->write_fd);
	close_fd(&capture->spool_fd);
	buf_release(&capture->head);
	*capture = CAPTURE_NONE;
}

/* On disk where that is possible: a large output should not be held in memory. */
static int spool_open(void)
{
	const char *dir = getenv("TMPDIR");
	int fd = open(dir && dir[0] == '/' ? dir : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd >= 0 ? fd : memfd_create("sessionfs-stdout", MFD_CLOEXEC);
}

static void spool(struct capture *capture, const char *data, size_t len)
{
	if (!capture->spooled || capture->failed || len == 0)
		return;
	if (capture->spool_fd < 0)
		capture->spool_fd = spool_open();
	if (capture->spool_fd < 0 || sys_write_all(capture->spool_fd, data, len) < 0)
		capture->failed = true;
}

void capture_read(struct capture *capture)
{
	static char piece[PIECE];

	while (capture->read_fd >= 0) {
		ssize_t n = read(capture->read_fd, piece, sizeof(piece));
		size_t room = CAPTURE_MAX - capture->head.len;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			close_fd(&capture->read_fd);
			return;
		}
		if (room > (size_t)n)
			room = (size_t)n;
		buf_add(&capture->head, piece, room);
		spool(capture, piece + room, (size_t)n - room);
		capture->total_bytes += (uint64_t)n;
	}
}

bool capture_truncated(const struct capture *capture)
{
	return capture->total_bytes > capture->head.len;
}

/* A text that was cut must not end in half a character. */
static size_t whole_characters(const char *data, size_t len)
{
	size_t back = 0;

	while (back < 3 && back < len && ((unsigned char)data[len - 1 - back] & 0xc0) == 0x80)
		back++;
	if (back < len && ((unsigned char)data[len - 1 - back] & 0xc0) == 0xc0) {
		unsigned char lead = (unsigned char)data[len - 1 - back];
		size_t needed = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;

		if (back < needed)
			return len - 1 - back;
	}
	return len;
}

void capture_add_to(const struct capture *capture, json_t *object, const char *key)
{
	const char *data = capture->head.data ? capture->head.data : "";
	size_t len = capture->head.len;
	_cleanup_free_ char *encoded = NULL;
	_cleanup_buf_ struct buf raw_key = {0};
	json_t *text;

	if (capture_truncated(capture))
		len = whole_characters(data, len);
	text = json_stringn(data, len);
	if (text) {
		json_object_set_new(object, key, text);
		return;
	}
	encoded = base64_encode(data, capture->head.len);
	buf_add_format(&raw_key, "%s_b64", key);
	if (encoded && !buf_failed(&raw_key))
		json_object_set_new(object, raw_key.data, json_string(encoded));
}

int capture_pass_on(const struct capture *capture, int fd)
{
	_cleanup_free_ char *piece = malloc(PIECE);
	off_t at = 0;
	int r = 0;

	if (!piece)
		return -ENOMEM;
	if (capture->head.len)
		r = sys_write_all(fd, capture->head.data, capture->head.len);
	while (r >= 0 && capture->spool_fd >= 0) {
		ssize_t n = pread(capture->spool_fd, piece, PIECE, at);

		if (n <= 0)
			return n < 0 ? -errno : capture->failed ? -EIO : 0;
		r = sys_write_all(fd, piece, (size_t)n);
		at += n;
	}
	return r < 0 ? r : capture->failed ? -EIO : 0;
}
