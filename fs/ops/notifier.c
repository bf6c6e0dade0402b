/* SPDX-License-Identifier: MIT */
#include "ops/notifier.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/relay.h"

enum notice_kind { NOTICE_EXPIRE, NOTICE_ATTRIBUTES, NOTICE_DATA, NOTICE_POLL };

struct notice {
	struct notice *next;
	enum notice_kind kind;
	uint64_t nodeid;
	struct fuse_pollhandle *poll;
	char name[];
};

/* In order. */
struct notices {
	struct notice *first;
	struct notice **last;
};

/* Somebody is telling the kernel about a node; what else there is to tell about it waits for him. */
struct sender {
	struct sender *next;
	uint64_t nodeid;
	struct notices behind;
};

struct notifier {
	struct fuse_session *session;
	struct relay *relay;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	struct notices notices; /* guarded by: mutex */
	struct sender *senders; /* guarded by: mutex */
	bool stopping;          /* guarded by: mutex */
};

static void notices_init(struct notices *notices)
{
	notices->first = NULL;
	notices->last = &notices->first;
}

static void notices_add(struct notices *notices, struct notice *notice)
{
	notice->next = NULL;
	*notices->last = notice;
	notices->last = &notice->next;
}

/* NULL where there is none. */
static struct notice *notices_take(struct notices *notices)
{
	struct notice *notice = notices->first;

	if (notice)
		notices->first = notice->next;
	if (!notices->first)
		notices->last = &notices->first;
	return notice;
}

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

/* The next that waits for nobody else's; the others are put behind those. NULL: none, and it ends. */
static struct notice *next_locked(struct notifier *notifier)
{
	for (;;) {
		struct notice *notice = notices_take(&notifier->notices);
		struct sender *sender = notifier->senders;

		if (!notice) {
			if (notifier->stopping)
				return NULL;
			pthread_cond_wait(&notifier->cond, &notifier->mutex);
			continue;
		}
		while (sender && (!notice->nodeid || sender->nodeid != notice->nodeid))
			sender = sender->next;
		if (!sender)
			return notice;
		notices_add(&sender->behind, notice);
	}
}

static void remove_sender_locked(struct notifier *notifier, struct sender *sender)
{
	struct sender **at = &notifier->senders;

	while (*at != sender)
		at = &(*at)->next;
	*at = sender->next;
}

/* Sends a notice, and what came to wait for it. The mutex is released meanwhile. */
static void send_locked(struct notifier *notifier, struct notice *notice_consume)
{
	struct sender sender = {.next = notifier->senders, .nodeid = notice_consume->nodeid};
	struct notice *notice = notice_consume;

	notices_init(&sender.behind);
	notifier->senders = &sender;
	do {
		pthread_mutex_unlock(&notifier->mutex);
		send_notice(notifier->session, notice);
		free(notice);
		pthread_mutex_lock(&notifier->mutex);
	} while ((notice = notices_take(&sender.behind)));
	remove_sender_locked(notifier, &sender);
}

static void run(struct relay_turn *turn, void *context)
{
	struct notifier *notifier = context;
	struct notice *notice;
	bool stays = true;

	pthread_mutex_lock(&notifier->mutex);
	while (stays && (notice = next_locked(notifier))) {
		relay_enter(turn);
		send_locked(notifier, notice);
		stays = relay_leave(turn);
	}
	pthread_mutex_unlock(&notifier->mutex);
}

int notifier_new(struct fuse_session *session, struct notifier **ret_notifier)
{
	struct notifier *notifier = calloc(1, sizeof(*notifier));
	int r;

	if (!notifier)
		return -ENOMEM;
	notifier->session = session;
	notices_init(&notifier->notices);
	pthread_mutex_init(&notifier->mutex, NULL);
	pthread_cond_init(&notifier->cond, NULL);
	r = relay_new(run, notifier, &notifier->relay);
	if (r < 0) {
		free(notifier);
		return r;
	}
	*ret_notifier = notifier;
	return 0;
}

bool notifier_free(struct notifier *notifier)
{
	if (!notifier)
		return true;
	pthread_mutex_lock(&notifier->mutex);
	notifier->stopping = true;
	pthread_cond_broadcast(&notifier->cond);
	pthread_mutex_unlock(&notifier->mutex);
	if (!relay_free(notifier->relay))
		return false;
	pthread_cond_destroy(&notifier->cond);
	pthread_mutex_destroy(&notifier->mutex);
	free(notifier);
	return true;
}

void notifier_watch(struct notifier *notifier)
{
	relay_watch(notifier->relay);
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
	notices_add(&notifier->notices, notice);
	pthread_cond_signal(&notifier->cond);
	pthread_mutex_unlock(&notifier->mutex);
}

void notifier_expire(struct notifier *notifier, uint64_t parent, const char *name)
{
	queue(notifier, NOTICE_EXPIRE, parent, NULL, name);
}

void notifier_expire_all(struct notifier *notifier)
{
	fuse_lowlevel_notify_increment_epoch(notifier->session);
}

void notifier_attributes(struct notifier *notifier, uint64_t nodeid, int data)
{
	queue(notifier, data ? NOTICE_DATA : NOTICE_ATTRIBUTES, nodeid, NULL, "");
}

void notifier_poll(struct notifier *notifier, struct fuse_pollhandle *handle_consume)
{
	queue(notifier, NOTICE_POLL, 0, handle_consume, "");
}
