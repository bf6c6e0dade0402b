/* SPDX-License-Identifier: MIT */
#include "lock/holder.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lock/lockfile.h"

/* Copies the ids, which are valid while the actor's call lasts. */
static void copy_ids(const struct locks *locks, const struct actor *actor, char ret_session[72],
		     char ret_run[24])
{
	const struct identity *identity = locks->setup.identity;
	const struct run_record *run;

	ret_session[0] = '\0';
	ret_run[0] = '\0';
	if (actor->session)
		snprintf(ret_session, 72, "%s",
			 registry_at(identity->registry, actor->session)->id);
	run = actor->run ? runs_at(identity->runs, actor->run) : NULL;
	if (run)
		snprintf(ret_run, 24, "%s", run->id);
}

static bool has_foreign_pids(pid_t pid)
{
	struct stat own, theirs;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
	return stat("/proc/self/ns/pid", &own) < 0 || stat(path, &theirs) < 0 ||
	       own.st_ino != theirs.st_ino || own.st_dev != theirs.st_dev;
}

/* Name, command line and directory of record->creator. */
static void capture_process(struct lock_record *record)
{
	ssize_t len;

	if (proc_comm(record->creator.pid, record->comm) < 0)
		record->comm[0] = '\0';
	/* Two NULs end the arguments, also where they were cut. */
	len = proc_cmdline(record->creator.pid, record->command, sizeof(record->command) - 2);
	if (len < 0)
		len = 0;
	memset(record->command + len, 0, sizeof(record->command) - (size_t)len);
	if (proc_cwd(record->creator.pid, record->cwd, sizeof(record->cwd)) < 0)
		record->cwd[0] = '\0';
}

void holder_capture(const struct locks *locks, const struct actor *actor,
		    struct lock_record *record)
{
	pid_t tid = actor->tid ? actor->tid : actor->pid;
	pid_t parent, group, session;

	record->session = actor->session;
	record->run = actor->run;
	record->uid = actor->uid;
	copy_ids(locks, actor, record->session_id, record->run_id);
	if (tid <= 0 || proc_identify(tid, &record->creator) < 0) {
		record->creator = (struct proc_id){0};
		return;
	}
	if (proc_relations(record->creator.pid, &parent, &group, &session) == 0)
		record->pgid = (uint32_t)group;
	if (has_foreign_pids(record->creator.pid))
		record->flags |= LOCK_FOREIGN_PIDS;
	capture_process(record);
}

void party_capture(const struct locks *locks, const struct actor *actor, struct lock_party *ret)
{
	*ret = (struct lock_party){
		.session = actor->session,
		.run = actor->run,
		.uid = actor->uid,
		.pid = actor->pid ? actor->pid : actor->tid,
	};
	copy_ids(locks, actor, ret->session_id, ret->run_id);
	if (ret->pid <= 0 || proc_comm(ret->pid, ret->comm) < 0)
		ret->comm[0] = '\0';
}

bool holder_is(const struct lock_record *record, const struct actor *actor)
{
	if (record->flags & (LOCK_STALE | LOCK_EXTERNAL))
		return false;
	if (record->run || actor->run)
		return record->run == actor->run;
	return record->session == actor->session;
}

/* The live process that the lock's text names, other than its creator. */
static bool find_named(const struct locks *locks, const struct lock_record *record,
		       struct proc_id *ret_named)
{
	struct lock_key key = table_key_of(record);
	struct lockfile file;
	pid_t pid;

	if (record->flags & (LOCK_FOREIGN_PIDS | LOCK_STALE | LOCK_EXTERNAL) ||
	    lockfile_stat(locks, &key, &file) < 0 || !lockfile_is_of(&file, record))
		return false;
	pid = lockfile_text_pid(locks, &key, &file.st);
	return pid && pid != record->creator.pid && proc_identify(pid, ret_named) == 0 &&
	       proc_alive(ret_named);
}

static uid_t user_of(pid_t pid)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	return stat(path, &st) < 0 ? (uid_t)-1 : st.st_uid;
}

bool holder_show(struct locks *locks, struct lock_record *copy)
{
	struct proc_id named;

	if (find_named(locks, copy, &named)) {
		copy->creator = named;
		capture_process(copy);
		/* Who writes a pid into a lock of his learns no more of it than he could see. */
		if (user_of(named.pid) != copy->uid) {
			memset(copy->command, 0, sizeof(copy->command));
			copy->cwd[0] = '\0';
		}
		return true;
	}
	if (copy->creator.pid && proc_alive(&copy->creator))
		return true;
	return copy->run ? !holder_run_is_gone(locks, copy) : !(copy->flags & LOCK_STALE);
}

bool holder_run_is_gone(const struct locks *locks, const struct lock_record *record)
{
	return record->run &&
	       runs_is_over(locks->setup.identity->runs, record->run, record->run_id);
}
