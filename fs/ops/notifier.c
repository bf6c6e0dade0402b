/* SPDX-License-Identifier: MIT */
#include "ops/notifier.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum notice_kind { NOTICE_EXPIRE, NOTICE_ATTRIBUTES, NOTICE_DATA, NOTICE_POLL };

struct notice {
	struct notice *next;
	enum notice_kind kind;
	uint64_t nodeid;
	struct fuse_pollhandle *poll;
	char name[];
};

struct notifier {
	struct fuse_session *session;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	struct notice *first; /* guarded by: mutex */
	struct notice **last; /* guarded by: mutex */
	bool stopping;        /* guarded by: mutex */
};

static void send_notice(struct fuse_session *session, const struct notice *notice)
{
	/* An object that the kernel does not know (ENOENT) needs no telling. */
	switch (notice->kind) {
	case NOTICE_EXPIRE:
		fuse_lowlevel_notify_inval_entry(session, notice->nodeid, notice->name,
						 strlen(notice->name));
		break;
	case NOTICE_ATTRIBUTES:
		fuse_lowlevel_notify_inval_inode(session, notice->nodeid, -1, 0);
		break;
	case NOTICE_DATA:
		fuse_lowlevel_notify_inval_inode(session, notice->nodeid, 0, 0);
		break;
	case NOTICE_POLL:
		fuse_lowlevel_notify_poll(notice->poll);
		fuse_pollhandle_destroy(notice->poll);
		break;
	}
}

static void *run(void *arg)
{
	struct notifier *notifier = arg;

	pthread_mutex_lock(&notifier->mutex);
	for (;;) {
		struct notice *notice = notifier->first;

		if (!notice) {
			if (notifier->stopping)
				break;
			pthread_cond_wait(&notifier->cond, &notifier->mutex);
			continue;
		}
		notifier->first = notice->next;
		if (!notifier->first)
			notifier->last = &notifier->first;
		pthread_mutex_unlock(&notifier->mutex);
		send_notice(notifier->session, notice);
		free(notice);
		pthread_mutex_lock(&notifier->mutex);
	}
	pthread_mutex_unlock(&notifier->mutex);
	return NULL;
}

int notifier_new(struct fuse_session *session, struct notifier **ret_notifier)
{
	struct notifier *notifier = calloc(1, sizeof(*notifier));
	int r;

	if (!notifier)
		return -ENOMEM;
	notifier->session = session;
	notifier->last = &notifier->first;
	pthread_mutex_init(&notifier->mutex, NULL);
	pthread_cond_init(&notifier->cond, NULL);
	r = pthread_create(&notifier->thread, NULL, run, notifier);
	if (r) {
		free(notifier);
		return -r;
	}
	*ret_notifier = notifier;
	return 0;
}

void notifier_free(struct notifier *notifier)
{
	if (!notifier)
		return;
	pthread_mutex_lock(&notifier->mutex);
	notifier->stopping = true;
	pthread_cond_signal(&notifier->cond);
	pthread_mutex_unlock(&notifier->mutex);
	pthread_join(notifier->thread, NULL);
	pthread_cond_destroy(&notifier->cond);
	pthread_mutex_destroy(&notifier->mutex);
	free(notifier);
}

static void queue(struct notifier *notifier, enum notice_kind kind, uint64_t nodeid,
		  struct fuse_pollhandle *poll, const char *name)
{
	struct notice *notice = malloc(sizeof(*notice) + strlen(name) + 1);

	/* Out of memory: the kernel finds out by its time-out. */
	if (!notice)
		return;
	*notice = (struct notice){.kind = kind, .nodeid = nodeid, .poll = poll};
	strcpy(notice->name, name);
	pthread_mutex_lock(&notifier->mutex);
	*notifier->last = notice;
	notifier->last = &notice->next;
	pthread_cond_signal(&notifier->cond);
	pthread_mutex_unlock(&notifier->mutex);
}

void notifier_expire(struct notifier *notifier, uint64_t parent, const char *name)
{
	queue(notifier, NOTICE_EXPIRE, parent, NULL, name);
}

void notifier_attributes(struct notifier *notifier, uint64_t nodeid, int data)
{
	queue(notifier, data ? NOTICE_DATA : NOTICE_ATTRIBUTES, nodeid, NULL, "");
}

void notifier_poll(struct notifier *notifier, struct fuse_pollhandle *handle_consume)
{
	queue(notifier, NOTICE_POLL, 0, handle_consume, "");
}
