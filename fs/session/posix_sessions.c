/* SPDX-License-Identifier: MIT */
#include "session/posix_sessions.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/proc.h"

int posix_session_name(struct registry *registry, pid_t pid, uid_t uid,
		       char ret_id[SESSION_ID_SIZE])
{
	pid_t sid = getsid(pid);
	struct proc_id leader;
	uint64_t ticks = 0;
	uint32_t known;

	if (sid < 0)
		return -ESRCH;
	if (sid > 0 && !proc_identify(sid, &leader)) {
		ticks = leader.start_ticks;
	} else {
		known = registry_find_posix(registry, uid, (uint32_t)sid);
		if (known)
			ticks = registry_at(registry, known)->posix_start_ticks;
	}
	snprintf(ret_id, SESSION_ID_SIZE, "sid-%d-%llu", (int)sid, (unsigned long long)ticks);
	return 0;
}

/* A session that may have to go. */
struct candidate {
	uint32_t session;
	uint32_t sid;
	bool reused; /* the number is another process's: it is certainly gone */
	bool populated;
};

struct candidates {
	struct candidate *items;
	size_t count;
	size_t capacity;
};

static bool add(struct candidates *list, const struct candidate *candidate)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 64;
		struct candidate *items = reallocarray(list->items, capacity, sizeof(*items));

		if (!items)
			return false;
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = *candidate;
	return true;
}

static int by_sid(const void *left, const void *right)
{
	const struct candidate *a = left;
	const struct candidate *b = right;

	return (a->sid > b->sid) - (a->sid < b->sid);
}

/*
 * Whether a session may have to go: its leader is not there, or is a zombie. Where somebody else
 * has the leader's number, all processes of the POSIX session are gone, see the header.
 */
static bool is_candidate(const struct session_record *record, struct candidate *candidate)
{
	const struct proc_id leader = {
		.pid = (pid_t)record->posix_sid,
		.start_ticks = record->posix_start_ticks,
	};
	struct proc_id now;

	if (!(record->flags & SESSION_POSIX))
		return false;
	candidate->sid = record->posix_sid;
	candidate->reused = false;
	if (leader.pid <= 0 || proc_identify(leader.pid, &now))
		return true;
	candidate->reused = now.pid != leader.pid || now.start_ticks != leader.start_ticks;
	return candidate->reused || !proc_alive(&leader);
}

/* What memory does not suffice for waits for the next sweep. */
static void collect(struct registry *registry, struct candidates *list)
{
	struct candidate candidate = {0};

	while ((candidate.session = registry_next(registry, candidate.session)))
		if (is_candidate(registry_at(registry, candidate.session), &candidate) &&
		    !add(list, &candidate))
			break;
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), by_sid);
}

/* The first candidate of that number; list->count where there is none. */
static size_t first_of(const struct candidates *list, uint32_t sid)
{
	size_t low = 0;
	size_t high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list->items[middle].sid < sid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < list->count && list->items[low].sid == sid ? low : list->count;
}

/* Marks the candidates of whose POSIX session this process is. */
static void mark(struct candidates *list, pid_t pid)
{
	pid_t sid = getsid(pid);
	size_t first = sid < 0 ? list->count : first_of(list, (uint32_t)sid);
	struct proc_id id;

	if (first == list->count)
		return;
	/* A zombie bears the number as well, but sees no view any more. */
	if (proc_identify(pid, &id) || !proc_alive(&id))
		return;
	for (size_t i = first; i < list->count && list->items[i].sid == (uint32_t)sid; i++)
		list->items[i].populated = !list->items[i].reused;
}

/* Marks the candidates that have a live process. false where /proc cannot be read. */
static bool scan(struct candidates *list)
{
	_cleanup_closedir_ DIR *proc = opendir("/proc");
	struct dirent *entry;

	if (!proc)
		return false;
	while ((entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			mark(list, (pid_t)atoi(entry->d_name));
	return true;
}

static size_t drop_unpopulated(struct registry *registry, struct runs *runs,
			       const struct candidates *list, posix_session_dropped_fn dropped,
			       void *context)
{
	size_t count = 0;
	struct err err;

	for (size_t i = 0; i < list->count; i++) {
		uint32_t session = list->items[i].session;

		if (list->items[i].populated || runs_in_session(runs, session))
			continue;
		if (registry_remove(registry, session, &err)) {
			if (err.code != ERR_NOT_FOUND)
				log_warning("%s", err.message);
			continue;
		}
		count++;
		if (dropped)
			dropped(session, context);
	}
	return count;
}

size_t posix_sessions_sweep(struct registry *registry, struct runs *runs,
			    posix_session_dropped_fn dropped, void *context)
{
	struct candidates list = {0};
	size_t count = 0;

	collect(registry, &list);
	/* Twice, for one scan can miss a process that forks and exits meanwhile. */
	if (list.count && scan(&list) && scan(&list))
		count = drop_unpopulated(registry, runs, &list, dropped, context);
	free(list.items);
	return count;
}
