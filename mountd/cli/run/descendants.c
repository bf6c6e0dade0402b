/* SPDX-License-Identifier: MIT */
#include "cli/run/descendants.h"

#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/proc.h"

struct link_list {
	struct descendants_link *items;
	size_t count;
	size_t capacity;
};

static bool link_list_add(struct link_list *list, pid_t pid, pid_t parent)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 256;
		struct descendants_link *items = realloc(list->items, capacity * sizeof(*items));

		if (!items)
			return false;
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = (struct descendants_link){.pid = pid, .parent = parent};
	return true;
}

static void read_links(struct link_list *list)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		pid_t pid, parent, group, session;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		pid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (proc_relations(pid, &parent, &group, &session) < 0)
			continue;
		if (!link_list_add(list, pid, parent))
			return;
	}
}

size_t descendants_of(pid_t root, const struct descendants_link *links, size_t count,
		      size_t *ret_found)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		if (links[i].parent == root && links[i].pid != root)
			ret_found[found++] = i;
	}
	/* found grows while its members' children are added. */
	for (size_t at = 0; at < found; at++) {
		for (size_t i = 0; i < count && found < count; i++) {
			if (links[i].parent == links[ret_found[at]].pid)
				ret_found[found++] = i;
		}
	}
	return found;
}

size_t descendants_list(pid_t root, pid_t **ret_pids)
{
	struct link_list list = {0};
	_cleanup_free_ size_t *found = NULL;
	pid_t *pids;
	size_t count = 0, alive = 0;

	read_links(&list);
	found = calloc(list.count ? list.count : 1, sizeof(*found));
	pids = calloc(list.count ? list.count : 1, sizeof(*pids));
	if (found && pids)
		count = descendants_of(root, list.items, list.count, found);
	for (size_t i = 0; i < count; i++) {
		/* Found in this very list. NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign) */
		pid_t pid = list.items[found[i]].pid;
		struct proc_id id;

		if (proc_identify(pid, &id) == 0 && proc_alive(&id))
			pids[alive++] = pid;
	}
	free(list.items);
	*ret_pids = pids;
	return alive;
}

size_t descendants_signal(pid_t root, int signo)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t count = descendants_list(root, &pids);

	for (size_t i = 0; i < count; i++)
		kill(pids[i], signo);
	return count;
}
