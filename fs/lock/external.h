/* SPDX-License-Identifier: MIT */
/*
 * Lock files that were made outside sessionfs: no record is kept of them, they are looked at when
 * somebody asks.
 */
#pragma once

#include "lock/table.h"

/*
 * The file under a key without a record, as a record (LOCK_EXTERNAL); free() it. For an acquiring call it
 * is held in any case, for everybody else only while its text names a live process. NULL: it is not.
 */
struct lock_report *external_find(struct locks *locks, const struct lock_key *key, bool acquires);
