/* SPDX-License-Identifier: MIT */
/*
 * What we tell the kernel unasked: names and attributes that it may not keep any longer. Sent from
 * a thread of its own, for a handler that notifies waits for a lock that its own caller may hold.
 *
 * To tell of a name the kernel waits for the lock of its directory, which is held by whoever looks
 * up something there, perhaps in a share that does not answer. So what is told about other nodes does
 * not wait for that (base/relay.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct fuse_session;
struct notifier;

/* Starts the thread. 0 or negative errno. */
int notifier_new(struct fuse_session *session, struct notifier **ret_notifier);
/*
 * Sends what is queued, ends the thread. False where something is stuck: what it uses (the session)
 * must live as long as the process.
 */
bool notifier_free(struct notifier *notifier);
/* Called time and again by a thread that never blocks: relay_watch(). */
void notifier_watch(struct notifier *notifier);

/* The name is to be looked up anew at its next use (its dentry goes). Never blocks. */
void notifier_expire(struct notifier *notifier, uint64_t parent, const char *name);
/*
 * Every name of the mount is to be looked up anew at its next use (Linux 6.16; before, they stay until
 * their time is over). In force when it returns; waits for nothing.
 */
void notifier_expire_all(struct notifier *notifier);
/* Attributes of the node are to be asked for anew; cached data too where `data` says so. */
void notifier_attributes(struct notifier *notifier, uint64_t nodeid, int data);
/* Poll handles of `events` are woken: see virtual files. The pollhandle is taken. */
struct fuse_pollhandle;
void notifier_poll(struct notifier *notifier, struct fuse_pollhandle *handle_consume);
