/* SPDX-License-Identifier: MIT */
/*
 * Carriers: what excludes outsiders from files of the lower. Each owner of advisory locks on such a
 * file has an open file description of his own on it, which carries them as real ones: flocks as
 * flocks, the others as F_OFD_SETLK.
 *
 * One owner's calls on one file do not overlap (ADVISORY_BUSY), so that nobody closes a carrier that
 * another uses. Mutex: one, internal, held over no system call.
 */
#pragma once

#include "lock/advisory.h"
#include "ops/fs.h"

struct carriers;

int carriers_new(struct carriers **ret_carriers);
void carriers_free(struct carriers *carriers);

/*
 * Carries out an advisory request in the lower, without waiting; opens what carries it where that is
 * needed. 0; -EAGAIN: an outsider is in the way; or the error of the open.
 */
int carrier_set(struct fs *fs, const struct advisory_request *request);
/* Releases all that the request's owner has on the file. */
void carrier_close(struct fs *fs, const struct advisory_request *request);
/* What an outsider has there that is in the request's way, for F_GETLK. 0, or negative errno. */
int carrier_test(struct fs *fs, const struct advisory_request *request, struct flock *ret_lock);
