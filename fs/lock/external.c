/* SPDX-License-Identifier: MIT */
#include "lock/external.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "lock/answer.h"
#include "lock/idiom.h"
#include "lock/lockfile.h"

static void copy_external_holder(const struct stat *st, pid_t pid, struct lock_record *record)
{
	char path[32];
	struct stat proc;

	if (pid == 0 || proc_identify(pid, &record->creator) < 0)
		return;
	if (proc_comm(pid, record->comm) < 0)
		record->comm[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d", pid);
	/* Whoever writes a pid into a file of his own learns no more of it than he could see. */
	if (stat(path, &proc) < 0 || proc.st_uid != st->st_uid)
		return;
	proc_cmdline(pid, record->command, sizeof(record->command) - 2);
	if (proc_cwd(pid, record->cwd, sizeof(record->cwd)) < 0)
		record->cwd[0] = '\0';
}

struct lock_report *external_find(struct locks *locks, const struct lock_key *key, bool acquires)
{
	_cleanup_free_ struct lock_record *record = NULL;
	uint64_t now_real = clock_real_ns();
	struct proc_id named;
	struct lockfile file;
	pid_t pid;

	if (lockfile_stat(locks, key, &file) < 0)
		return NULL;
	pid = lockfile_text_pid(locks, key, &file.st);
	if (pid && (proc_identify(pid, &named) < 0 || !proc_alive(&named)))
		pid = 0;
	if (pid == 0 && !acquires)
		return NULL;
	record = calloc(1, sizeof(*record));
	if (!record || strlen(key->path) >= sizeof(record->path))
		return NULL;
	memcpy(record->path, key->path, strlen(key->path) + 1);
	record->share = key->share;
	record->session_scope = key->session;
	record->idiom = idiom_of_file(&file.st);
	record->flags = LOCK_EXTERNAL;
	record->uid = file.st.st_uid;
	record->acquired_real_ns =
		(uint64_t)file.st.st_mtim.tv_sec * NSEC_PER_SEC + (uint64_t)file.st.st_mtim.tv_nsec;
	record->acquired_boot_ns = clock_boot_ns();
	if (record->acquired_real_ns < now_real) {
		uint64_t age = now_real - record->acquired_real_ns;

		record->acquired_boot_ns -=
			age < record->acquired_boot_ns ? age : record->acquired_boot_ns;
	}
	copy_external_holder(&file.st, pid, record);
	return lock_report_new(record, LOCK_END_RELEASED, NULL);
}

bool lock_has_file(const struct locks *locks, const struct lock_key *key)
{
	struct lockfile file;

	return lockfile_stat(locks, key, &file) == 0;
}

bool lock_in_directory(const struct locks *locks, const struct lock_key *key)
{
	struct lockfile file;

	return lockfile_stat(locks, key, &file) == 0 && S_ISDIR(file.st.st_mode);
}

bool lock_is_external(struct locks *locks, const struct lock_key *key)
{
	_cleanup_free_ struct lock_report *found =
		locks_find(locks, key) ? NULL : external_find(locks, key, false);

	return found != NULL;
}

void *lock_external_answer(struct locks *locks, const struct lock_key *key, uid_t viewer)
{
	_cleanup_free_ struct lock_report *found =
		locks_find(locks, key) ? NULL : external_find(locks, key, false);
	struct facts_moment moment = {.now_boot_ns = clock_boot_ns(), .alive = true};
	_cleanup_free_ struct lock_facts *facts = NULL;

	if (!found)
		return NULL;
	pthread_mutex_lock(&locks->mutex);
	facts = table_facts_locked(locks, &found->record, &moment);
	pthread_mutex_unlock(&locks->mutex);
	return facts ? facts_render(facts, locks->host, viewer, false) : NULL;
}
