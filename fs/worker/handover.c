/* SPDX-License-Identifier: MIT */
#include "worker/handover.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "ops/fuse_compat.h"

/* Larger than any INIT; the kernel refuses to read into less than FUSE_MIN_READ_BUFFER. */
#define READ_BUFFER_SIZE (1u << 20)
/* A number that no request of the kernel has. */
#define REPLAY_UNIQUE (1ULL << 62)

static void process(struct fuse_session *session, void *data, size_t size)
{
	struct fuse_buf buf = {.mem = data, .size = size};

	fuse_session_process_buf(session, &buf);
}

static int first_init(struct fuse_session *session, int fuse_fd, struct arena_globals *globals)
{
	_cleanup_free_ unsigned char *data = malloc(READ_BUFFER_SIZE);
	struct fuse_in_header *header;
	ssize_t n;

	if (!data)
		return -ENOMEM;
	do
		n = read(fuse_fd, data, READ_BUFFER_SIZE);
	while (n < 0 && (errno == EINTR || errno == EAGAIN));
	if (n < 0)
		return -errno;
	header = (struct fuse_in_header *)(void *)data;
	if ((size_t)n < sizeof(*header) || (size_t)n > sizeof(globals->init) ||
	    header->opcode != FUSE_INIT)
		return -EPROTO;
	memcpy(globals->init, data, (size_t)n);
	atomic_store(&globals->init_size, (uint32_t)n);
	process(session, data, (size_t)n);
	return 0;
}

static int replay(struct fuse_session *session, int fuse_fd, const struct arena_globals *globals)
{
	struct fuse_out_header resend = {.len = sizeof(resend), .error = COMPAT_NOTIFY_RESEND};
	_Alignas(8) unsigned char data[ARENA_INIT_MAX];
	struct fuse_in_header *header = (struct fuse_in_header *)(void *)data;
	const struct fuse_init_in *init = (const void *)(header + 1);

	memcpy(data, globals->init, globals->init_size);
	header->unique = REPLAY_UNIQUE;
	process(session, data, globals->init_size);
	if (init->minor < COMPAT_MINOR_RESEND) {
		log_warning("this kernel cannot send requests again: those in flight fail");
		return 0;
	}
	if (write(fuse_fd, &resend, sizeof(resend)) < 0)
		return -errno;
	return 0;
}

int handover_init(struct fuse_session *session, int fuse_fd, struct arena_globals *globals)
{
	if (atomic_load(&globals->init_size))
		return replay(session, fuse_fd, globals);
	return first_init(session, fuse_fd, globals);
}
