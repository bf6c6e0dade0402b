/* SPDX-License-Identifier: MIT */
/*
 * Whose the file is, where more than one record says so.
 */
#pragma once

#include "lock/table.h"

enum settle_holder {
	SETTLE_NOBODY,
	SETTLE_CLAIM, /* the claim that is being committed */
	SETTLE_HELD,  /* the record that was there */
};

struct settle_case {
	bool has_held;
	bool claim_is_file; /* the claim's identity is that of the file that is there now */
	bool held_is_file;
	bool claim_removed; /* the name was removed while the claim was pending */
	bool held_removed;  /* likewise, since the record was held */
};

/*
 * Both can have the file's identity: file systems use an inode number again at once. Then the
 * claim made the file, unless the name was removed after it had. Pure.
 */
enum settle_holder settle_decide(const struct settle_case *c);

/*
 * Commits the claim, whose file was made, or drops it; likewise another HELD record of its key.
 * Reports of what was dropped are added to *reports. Looks at the file.
 */
void settle_claim(struct locks *locks, uint32_t claim, struct lock_report **reports);

/*
 * Drops a record whose file is gone: reported at once where it was told already who removed it,
 * else departed until that is told.
 */
void settle_gone_locked(struct locks *locks, uint32_t lock, struct lock_report **reports);
