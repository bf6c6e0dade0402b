/* SPDX-License-Identifier: MIT */
#include "session/identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/proc.h"
#include "session/posix_sessions.h"

/* An environment, read once for one identification. */
struct environment {
	char *block;
	size_t len;
};

#define _cleanup_environment_ _cleanup_(environment_release)
static void environment_release(struct environment *env)
{
	free(env->block);
}

/* Appends to an id under construction; false where it becomes too long. */
static bool append(char ret_id[SESSION_ID_SIZE], size_t *len, const char *text, size_t text_len)
{
	if (text_len > SESSION_ID_SIZE - 1 - *len)
		return false;
	memcpy(ret_id + *len, text, text_len);
	*len += text_len;
	ret_id[*len] = 0;
	return true;
}

/* Appends the value of the variable named by the first name_len bytes; false where it is unset. */
static bool append_variable(char ret_id[SESSION_ID_SIZE], size_t *len, const char *name,
			    size_t name_len, const char *block, size_t block_len)
{
	char variable[256];
	const char *value;

	if (!name_len || name_len >= sizeof(variable))
		return false;
	memcpy(variable, name, name_len);
	variable[name_len] = 0;
	value = proc_environ_find(block, block_len, variable);
	/* An empty one would make ids of different jobs equal. */
	return value && *value && append(ret_id, len, value, strlen(value));
}

bool identity_expand(const char *spec, const char *block, size_t block_len,
		     char ret_id[SESSION_ID_SIZE])
{
	const char *end;
	size_t len = 0;

	ret_id[0] = 0;
	if (!strstr(spec, "${"))
		return append_variable(ret_id, &len, spec, strlen(spec), block, block_len) &&
		       path_is_session_id(ret_id);
	while (*spec) {
		if (strncmp(spec, "${", 2) != 0) {
			if (!append(ret_id, &len, spec++, 1))
				return false;
			continue;
		}
		end = strchr(spec, '}');
		if (!end || !append_variable(ret_id, &len, spec + 2, (size_t)(end - spec - 2),
					     block, block_len))
			return false;
		spec = end + 1;
	}
	return path_is_session_id(ret_id);
}

/*
 * The environment with which a process was executed. One that cannot be read, or belongs to a
 * process without memory, is empty; -ESRCH where the process is gone.
 */
static int environment_read(pid_t pid, struct environment *env)
{
	int r = proc_environ_read(pid, &env->block, &env->len);

	return r == -ESRCH ? r : 0;
}

static const char *environment_find(const struct environment *env, const char *name)
{
	return env->block ? proc_environ_find(env->block, env->len, name) : NULL;
}

static uint32_t run_of_namespace(const struct identity *identity, pid_t tid)
{
	uint64_t ino;

	return proc_mount_namespace(tid, &ino) ? 0 : runs_find_namespace(identity->runs, ino);
}

/* The run that SESSIONFS_RUN names, of that uid. A claim: the session must be checked as well. */
static uint32_t run_of_environment(const struct identity *identity, const struct environment *env,
				   uid_t uid)
{
	const char *id = environment_find(env, "SESSIONFS_RUN");

	return id ? runs_find_id(identity->runs, uid, id) : 0;
}

/* Rule 2. False where it does not apply. */
static bool apply_run(const struct identity *identity, uint32_t run, const char *session_id,
		      struct actor *actor)
{
	const struct run_record *record = run ? runs_at(identity->runs, run) : NULL;
	const struct session_record *session;

	if (!record)
		return false;
	session = registry_at(identity->registry, record->session);
	if (session_id && strcmp(session_id, session->id) != 0)
		return false;
	actor->run = run;
	actor->session = record->session;
	snprintf(actor->session_id, sizeof(actor->session_id), "%s", session->id);
	snprintf(actor->identified_by, sizeof(actor->identified_by), "run");
	return true;
}

/* Rule 3. False where no variable holds an id. */
static bool apply_environment(const struct identity *identity, const struct environment *env,
			      struct actor *actor)
{
	static const char *const known[] = {"SESSIONFS_SESSION", "TOOL_SESSION_ID",
					    "AGENT_SESSION_ID"};
	const struct string_list *more = &identity->config->identify_environment;

	if (!env->block)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(known) + more->count; i++) {
		const char *spec = i < ARRAY_SIZE(known) ? known[i]
							 : more->items[i - ARRAY_SIZE(known)];

		if (!identity_expand(spec, env->block, env->len, actor->session_id))
			continue;
		snprintf(actor->identified_by, sizeof(actor->identified_by), "environment:%.80s",
			 spec);
		return true;
	}
	return false;
}

/* Rule 4. */
static int apply_posix(const struct identity *identity, struct actor *actor)
{
	int r = posix_session_name(identity->registry, actor->pid, actor->uid, actor->session_id);

	if (!r)
		snprintf(actor->identified_by, sizeof(actor->identified_by), "posix-session");
	return r;
}

int identity_of(const struct identity *identity, pid_t tid, uid_t uid, gid_t gid,
		struct actor *ret_actor)
{
	_cleanup_environment_ struct environment env = {0};
	struct actor actor = {.tid = tid, .uid = uid, .gid = gid};
	struct proc_id id;
	const char *session;
	int r;

	*ret_actor = actor;
	if (tid <= 0 || proc_identify(tid, &id))
		return -ESRCH;
	actor.pid = id.pid;
	if (apply_run(identity, run_of_namespace(identity, tid), NULL, &actor)) {
		*ret_actor = actor;
		return 0;
	}
	r = environment_read(actor.pid, &env);
	if (r)
		return r;
	session = environment_find(&env, "SESSIONFS_SESSION");
	if (session &&
	    apply_run(identity, run_of_environment(identity, &env, uid), session, &actor)) {
		*ret_actor = actor;
		return 0;
	}
	if (!apply_environment(identity, &env, &actor)) {
		r = apply_posix(identity, &actor);
		if (r)
			return r;
	}
	actor.session = registry_find(identity->registry, uid, actor.session_id);
	*ret_actor = actor;
	return 0;
}

/* What a magic link's reader is told. */
static int errno_of(const struct err *err)
{
	return err->code == ERR_LIMIT_REACHED ? -EDQUOT : -EIO;
}

int identity_of_create(const struct identity *identity, pid_t tid, uid_t uid, gid_t gid,
		       struct actor *ret_actor, struct err *err)
{
	struct actor actor;
	uint32_t flags;
	int r = identity_of(identity, tid, uid, gid, &actor);

	if (r) {
		*ret_actor = actor;
		err_set(err, ERR_PRECONDITION_FAILED,
			"it cannot be told who asks: the caller is in another pid namespace, or gone");
		return r;
	}
	if (actor.run) {
		registry_touch(identity->registry, actor.session);
	} else {
		flags = !strcmp(actor.identified_by, "posix-session") ? SESSION_POSIX : 0;
		if (registry_open(identity->registry, uid, actor.session_id, flags, &actor.session,
				  NULL, err))
			return errno_of(err);
	}
	*ret_actor = actor;
	return 0;
}

uint32_t identity_run(const struct identity *identity, pid_t tid, uid_t uid, uint32_t session)
{
	_cleanup_environment_ struct environment env = {0};
	const struct run_record *record;
	struct proc_id id;
	uint32_t run;

	if (tid <= 0)
		return 0;
	run = run_of_namespace(identity, tid);
	if (run)
		return run;
	if (proc_identify(tid, &id) || environment_read(id.pid, &env))
		return 0;
	run = run_of_environment(identity, &env, uid);
	record = run ? runs_at(identity->runs, run) : NULL;
	return record && record->session == session ? run : 0;
}
