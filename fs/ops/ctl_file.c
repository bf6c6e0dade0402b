/* SPDX-License-Identifier: MIT */
#include "ops/ctl_file.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ops/parking.h"

/* The conversation of a handle; after a crash of the worker a new one that adopts the run. */
static struct ctl *conversation(struct fs *fs, const struct handle_record *handle,
				struct handle_private *private)
{
	if (!private->ctl) {
		private->ctl = ctl_new(fs->instance);
		if (private->ctl)
			ctl_set_owner(private->ctl, handle->uid);
		if (private->ctl && handle->run)
			ctl_adopt_run(private->ctl, handle->run);
	}
	return private->ctl;
}

struct ctl_call {
	struct fs *fs;
	uint64_t fh;
	size_t size;
	pid_t tid;
	uid_t uid;
	gid_t gid;
};

/* Reads a piece of the answer and replies with it. -EAGAIN: it waits, nothing was replied. */
static int read_ctl(fuse_req_t req, const struct ctl_call *call, uint64_t *ret_deadline_boot_ns)
{
	struct handle_record *handle = handle_at(call->fs->handles, call->fh);
	struct handle_private *private = handle_private(call->fs->handles, call->fh);
	_cleanup_free_ char *data = malloc(call->size + 1);
	ssize_t n = -ENOMEM;

	if (!handle || !private) {
		fuse_reply_err(req, EBADF);
		return 0;
	}
	pthread_mutex_lock(&private->mutex);
	if (data && conversation(call->fs, handle, private)) {
		n = ctl_read(private->ctl, call->tid, call->uid, call->gid, data, call->size,
			     ret_deadline_boot_ns);
		handle->run = ctl_run(private->ctl);
	}
	pthread_mutex_unlock(&private->mutex);
	if (n == -EAGAIN)
		return -EAGAIN;
	if (n < 0)
		fs_reply(req, (int)n);
	else
		fuse_reply_buf(req, data, (size_t)n);
	return 0;
}

static bool try_ctl(fuse_req_t req, enum parked_state state, void *context)
{
	struct ctl_call *call = context;
	uint64_t deadline;

	if (state == PARKED_INTERRUPTED)
		fuse_reply_err(req, EINTR);
	else if (read_ctl(req, call, &deadline) == -EAGAIN)
		return false;
	free(call);
	return true;
}

void ctl_file_read(struct fs *fs, fuse_req_t req, uint64_t fh, size_t size)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct ctl_call *call = calloc(1, sizeof(*call));
	uint64_t deadline = 0;
	int r;

	if (!call) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	*call = (struct ctl_call){
		.fs = fs, .fh = fh, .size = size, .tid = ctx->pid, .uid = ctx->uid, .gid = ctx->gid};
	if (read_ctl(req, call, &deadline) != -EAGAIN) {
		free(call);
		return;
	}
	r = parking_park(fs->parking, req, deadline, NULL, try_ctl, call);
	if (r < 0) {
		free(call);
		fs_reply(req, r);
	}
}

void ctl_file_write(struct fs *fs, fuse_req_t req, uint64_t fh, const void *data, size_t size)
{
	struct handle_record *handle = handle_at(fs->handles, fh);
	struct handle_private *private = handle_private(fs->handles, fh);
	ssize_t n = -ENOMEM;

	if (handle && private) {
		pthread_mutex_lock(&private->mutex);
		if (conversation(fs, handle, private))
			n = ctl_write(private->ctl, data, size);
		pthread_mutex_unlock(&private->mutex);
	}
	if (n < 0)
		fs_reply(req, (int)n);
	else
		fuse_reply_write(req, (size_t)n);
}

void ctl_file_release(struct fs *fs, const struct handle_record *handle, uint64_t fh)
{
	struct handle_private *private = handle_private(fs->handles, fh);

	if (!private)
		return;
	/* A run ends with its conversation, also where only the record tells of it. */
	if (private->ctl || handle->run)
		ctl_free(conversation(fs, handle, private));
	private->ctl = NULL;
}
