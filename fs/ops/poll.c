/* SPDX-License-Identifier: MIT */
/* POLL. */
#include "ops/poll.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "ops/fs.h"
#include "ops/notifier.h"

struct poller {
	struct poller *next;
	struct fuse_pollhandle *handle;
};

struct pollers {
	pthread_mutex_t mutex;
	struct poller *first; /* guarded by: mutex */
};

int pollers_new(struct pollers **ret_pollers)
{
	struct pollers *pollers = calloc(1, sizeof(*pollers));

	if (!pollers)
		return -ENOMEM;
	pthread_mutex_init(&pollers->mutex, NULL);
	*ret_pollers = pollers;
	return 0;
}

static struct poller *take_all(struct pollers *pollers)
{
	struct poller *first;

	pthread_mutex_lock(&pollers->mutex);
	first = pollers->first;
	pollers->first = NULL;
	pthread_mutex_unlock(&pollers->mutex);
	return first;
}

void pollers_free(struct pollers *pollers)
{
	if (!pollers)
		return;
	for (struct poller *poller = take_all(pollers), *next; poller; poller = next) {
		next = poller->next;
		fuse_pollhandle_destroy(poller->handle);
		free(poller);
	}
	pthread_mutex_destroy(&pollers->mutex);
	free(pollers);
}

void pollers_wake(struct fs *fs)
{
	for (struct poller *poller = take_all(fs->pollers), *next; poller; poller = next) {
		next = poller->next;
		notifier_poll(fs->notifier, poller->handle);
		free(poller);
	}
}

/* Takes the handle; out of memory the poller is woken by his own time-out only. */
static void add(struct pollers *pollers, struct fuse_pollhandle *handle_consume)
{
	struct poller *poller = malloc(sizeof(*poller));

	if (!poller) {
		fuse_pollhandle_destroy(handle_consume);
		return;
	}
	poller->handle = handle_consume;
	pthread_mutex_lock(&pollers->mutex);
	poller->next = pollers->first;
	pollers->first = poller;
	pthread_mutex_unlock(&pollers->mutex);
}

/* Valid replies: poll, error. */
static void do_poll(fuse_req_t req, fuse_ino_t nodeid, struct fuse_file_info *fi,
		    struct fuse_pollhandle *handle)
{
	struct fs *fs = fs_of(req);
	const struct handle_record *record = handle_at(fs->handles, fi->fh);
	unsigned int ready = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;

	(void)nodeid;
	if (record && record->head.state == HANDLE_STATE_EVENTS) {
		/* Registered first, so that an event in between is not missed. */
		if (handle)
			add(fs->pollers, handle);
		if (events_newest(fs->instance->events) <= record->events_position)
			ready = 0;
	} else if (handle) {
		fuse_pollhandle_destroy(handle);
	}
	fuse_reply_poll(req, ready);
}

void ops_poll(struct fuse_lowlevel_ops *ops)
{
	ops->poll = do_poll;
}
