/* SPDX-License-Identifier: MIT */
/*
 * The inside of ctl/: one request, from its parsed text to what goes into its envelope.
 *
 *	dispatch_parse()   text -> members, checked against the operation's table entry
 *	dispatch_run()     calls the operation
 *	envelope_render()  what it left in the request -> the answer
 *	request_release()
 *
 * An operation is one line in requests.def and one function. It does its work on behalf of the
 * caller (uid, tid), and leaves its answer in `data`.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "ctl/ctl.h"

enum ctl_type {
	CTL_TEXT,
	CTL_FLAG,
	CTL_NUMBER, /* an integer, 0 or more */
	CTL_TEXTS,  /* an array of strings */
};

struct ctl_member {
	const char *name; /* NULL: the end of the table */
	enum ctl_type type;
	bool required;
};

#define CTL_MEMBERS_MAX 8

struct ctl_request;

enum ctl_outcome {
	CTL_DONE,  /* `data` is set */
	CTL_WAITS, /* call again when a lock was released, or at `deadline_boot_ns` */
};

/* Returns enum ctl_outcome, or -1 with err; `reason` and `details` may add to the error then. */
typedef int (*ctl_function)(struct ctl_request *request, struct err *err);

struct ctl_operation {
	const char *name;
	ctl_function function;
	struct ctl_member members[CTL_MEMBERS_MAX + 1];
};

struct ctl_request {
	struct instance *instance;
	struct ctl *ctl;
	pid_t tid;
	uid_t uid;
	gid_t gid;
	uint64_t serial;
	uint64_t started_boot_ns;
	const struct ctl_operation *operation;
	json_t *members;

	json_t *data;
	json_t *details;               /* members that are added to `error` */
	const char *reason;            /* error.reason; static; NULL: none */
	json_t *warnings;              /* array of strings; NULL: none */
	char session[SESSION_ID_SIZE]; /* meta.session; "" : none */

	uint64_t deadline_boot_ns;
	/* Undoes what a waiting operation has registered. NULL: nothing. */
	void (*abandon)(struct ctl_request *request);
	uint32_t waits_share; /* with abandon: the lock that it waits for */
	uint32_t waits_session;
	char *waits_path;
};

void request_release(struct ctl_request *request);

#define REQUEST(name, function, ...) int function(struct ctl_request *request, struct err *err);
#include "ctl/requests.def"
#undef REQUEST

/* The checked members. Borrowed; NULL, false or the fallback where the member is absent. */
const char *request_text(const struct ctl_request *request, const char *name);
bool request_flag(const struct ctl_request *request, const char *name);
uint64_t request_number(const struct ctl_request *request, const char *name, uint64_t fallback);
const json_t *request_array(const struct ctl_request *request, const char *name);

/* Adds a member to `error`; takes value, always (NULL: left out). */
void request_detail_consume(struct ctl_request *request, const char *key, json_t *value);

/* Parses and checks. 0, or -1 with VALIDATION_ERROR. */
int dispatch_parse(struct ctl_request *request, const char *text, size_t len, struct err *err);
/* As ctl_function. */
int dispatch_run(struct ctl_request *request, struct err *err);

/* The one maker of envelopes in the daemon: a line of JSON. err is NULL on success. */
void envelope_render(const struct ctl_request *request, const struct err *err, struct buf *buf);
