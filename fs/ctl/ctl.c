/* SPDX-License-Identifier: MIT */
/*
 * The conversation: collect a request, run it at the first read, give out its answer.
 */
#include "ctl/ctl.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ctl/request.h"

enum ctl_state {
	CTL_COLLECTING, /* a request's text comes in */
	CTL_RUNNING,    /* a reader runs it, without the mutex */
	CTL_WAITING,    /* it waits, and is run again at the next read */
	CTL_ANSWERING,  /* its answer is read */
};

struct ctl {
	struct instance *instance;
	pthread_mutex_t mutex;
	enum ctl_state state; /* guarded by: mutex, as is all below but in CTL_RUNNING */
	struct buf text;
	struct buf answer;
	size_t given;               /* bytes of the answer that were read */
	struct ctl_request request; /* CTL_RUNNING, CTL_WAITING */
	bool has_owner;
	uid_t owner;
	_Atomic uint32_t run;
};

static _Atomic uint64_t last_serial;

struct ctl *ctl_new(struct instance *instance)
{
	struct ctl *ctl = calloc(1, sizeof(*ctl));

	if (!ctl)
		return NULL;
	ctl->instance = instance;
	pthread_mutex_init(&ctl->mutex, NULL);
	return ctl;
}

void ctl_free(struct ctl *ctl)
{
	if (!ctl)
		return;
	request_release(&ctl->request);
	if (ctl->run)
		runs_close(ctl->instance->runs, ctl->run);
	buf_release(&ctl->text);
	buf_release(&ctl->answer);
	pthread_mutex_destroy(&ctl->mutex);
	free(ctl);
}

void ctl_set_owner(struct ctl *ctl, uid_t uid)
{
	pthread_mutex_lock(&ctl->mutex);
	ctl->owner = uid;
	ctl->has_owner = true;
	pthread_mutex_unlock(&ctl->mutex);
}

uint32_t ctl_run(const struct ctl *ctl)
{
	return ctl->run;
}

void ctl_adopt_run(struct ctl *ctl, uint32_t run)
{
	ctl->run = run;
}

static ssize_t write_locked(struct ctl *ctl, const void *data, size_t size)
{
	if (ctl->state == CTL_RUNNING)
		return -EBUSY;
	if (ctl->state != CTL_COLLECTING) {
		request_release(&ctl->request);
		buf_release(&ctl->text);
		buf_release(&ctl->answer);
		ctl->given = 0;
		ctl->state = CTL_COLLECTING;
	}
	if (size > CTL_REQUEST_MAX - ctl->text.len)
		return -EFBIG;
	buf_add(&ctl->text, data, size);
	if (buf_failed(&ctl->text)) {
		buf_release(&ctl->text);
		return -ENOMEM;
	}
	return (ssize_t)size;
}

ssize_t ctl_write(struct ctl *ctl, const void *data, size_t size)
{
	ssize_t r;

	pthread_mutex_lock(&ctl->mutex);
	r = write_locked(ctl, data, size);
	pthread_mutex_unlock(&ctl->mutex);
	return r;
}

/*
 * Requests run with the rights of who reads, so only he who opened may: else a descriptor with a
 * request in it, handed to a set-uid program as its input, would be run with that program's rights.
 */
static int check_owner(const struct ctl *ctl, uid_t uid, struct err *err)
{
	if (!ctl->has_owner || ctl->owner == uid)
		return 0;
	return err_set(err, ERR_PERMISSION_DENIED,
		       "this control file was opened by uid %u, not by uid %u", ctl->owner, uid);
}

/* Runs the request, or runs it again. Called in CTL_RUNNING, without the mutex. */
static int run_request(struct ctl *ctl, pid_t tid, uid_t uid, gid_t gid, struct err *err)
{
	struct ctl_request *request = &ctl->request;
	int r = 0;

	request->tid = tid;
	request->gid = gid;
	if (!request->serial) {
		request->instance = ctl->instance;
		request->ctl = ctl;
		request->uid = uid;
		request->serial = atomic_fetch_add(&last_serial, 1) + 1;
		request->started_boot_ns = clock_boot_ns();
		r = check_owner(ctl, uid, err);
		if (r == 0)
			r = dispatch_parse(request, ctl->text.data, ctl->text.len, err);
	}
	return r < 0 ? r : dispatch_run(request, err);
}

/* The next piece of the answer. */
static ssize_t give_locked(struct ctl *ctl, void *data, size_t size)
{
	size_t left = ctl->answer.len - ctl->given;

	if (size > left)
		size = left;
	if (size)
		memcpy(data, ctl->answer.data + ctl->given, size);
	ctl->given += size;
	return (ssize_t)size;
}

/* Settles what a run of the request came to. */
static ssize_t settle_locked(struct ctl *ctl, int outcome, const struct err *err,
			     uint64_t *ret_deadline_boot_ns)
{
	if (outcome == CTL_WAITS) {
		ctl->state = CTL_WAITING;
		*ret_deadline_boot_ns = ctl->request.deadline_boot_ns;
		return -EAGAIN;
	}
	buf_release(&ctl->text);
	envelope_render(&ctl->request, outcome < 0 ? err : NULL, &ctl->answer);
	request_release(&ctl->request);
	ctl->state = CTL_ANSWERING;
	ctl->given = 0;
	return buf_failed(&ctl->answer) ? -ENOMEM : 0;
}

ssize_t ctl_read(struct ctl *ctl, pid_t tid, uid_t uid, gid_t gid, void *data, size_t size,
		 uint64_t *ret_deadline_boot_ns)
{
	struct err err = {0};
	ssize_t r = 0;
	bool due;

	pthread_mutex_lock(&ctl->mutex);
	if (ctl->state == CTL_RUNNING)
		r = -EBUSY;
	due = ctl->state == CTL_WAITING || (ctl->state == CTL_COLLECTING && ctl->text.len > 0);
	if (due)
		ctl->state = CTL_RUNNING;
	else if (ctl->state == CTL_ANSWERING)
		r = give_locked(ctl, data, size);
	pthread_mutex_unlock(&ctl->mutex);
	if (!due)
		return r;

	r = run_request(ctl, tid, uid, gid, &err);
	pthread_mutex_lock(&ctl->mutex);
	r = settle_locked(ctl, (int)r, &err, ret_deadline_boot_ns);
	if (r == 0)
		r = give_locked(ctl, data, size);
	pthread_mutex_unlock(&ctl->mutex);
	return r;
}
