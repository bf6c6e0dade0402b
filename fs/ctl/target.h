/* SPDX-License-Identifier: MIT */
/*
 * What a request names: sessions and host paths, with the rules of who may (SPEC section 9).
 */
#pragma once

#include "ctl/request.h"

/* "ID" or "UID/ID", taken apart. VALIDATION_ERROR; PERMISSION_DENIED for another user's. */
int target_parse(const struct ctl_request *request, const char *name, uid_t *ret_uid,
		 char ret_id[SESSION_ID_SIZE], struct err *err);

/* The session of that name, and meta.session. As target_parse(), and NOT_FOUND. */
int target_session(struct ctl_request *request, const char *name, uint32_t *ret_session,
		   struct err *err);

/* A path on the host, as a request gave it. */
struct target_path {
	char *host;       /* normalised; owned */
	uint32_t share;   /* the innermost that it lies in */
	const char *rest; /* below that share; "" for its root; points into host */
};
#define _cleanup_target_path_ __attribute__((cleanup(target_path_release)))
void target_path_release(struct target_path *path);

/* VALIDATION_ERROR where it is not absolute, has "..", or lies in no share. */
int target_path_parse(const struct ctl_request *request, const char *text,
		      struct target_path *ret_path, struct err *err);

/*
 * A path that locks are looked for at and below: a new string. VALIDATION_ERROR as above, but a
 * directory above a share is one, and "/".
 */
int target_prefix_parse(const struct ctl_request *request, const char *text, char **ret_prefix,
			struct err *err);

/*
 * error PRECONDITION_FAILED "<what> session ID: N runs live in it", with the runs in error.runs.
 * Returns -1.
 */
int target_busy(struct ctl_request *request, uint32_t session, const char *what, struct err *err);

/* Adds the warning SESSION_NEAR_LIMIT where the session is near a limit, or has reached it. */
void target_warn_usage(struct ctl_request *request, uint32_t session);
