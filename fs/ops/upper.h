/* SPDX-License-Identifier: MIT */
/*
 * Making an object of a view changeable: copy-up, and how its node follows the copy.
 *
 * What is long to copy is copied in a thread of its own, and the request waits for it parked
 * (deferred.h): neither a thread of the loop nor anything that others need is held meanwhile.
 */
#pragma once

#include "ops/flights.h"
#include "ops/fs.h"
#include "view/copyup.h"

/* What the caller is about to do. */
struct upper_need {
	enum copyup_data data; /* COPYUP_DEFERRED: only attributes or names change */
	/* The data will change: who reads them by passthrough from the lower must not go on so. */
	bool changes_data;
};

#define UPPER_ATTRIBUTES ((struct upper_need){.data = COPYUP_DEFERRED})
#define UPPER_WRITE ((struct upper_need){.data = COPYUP_WHOLE, .changes_data = true})
#define UPPER_TRUNCATE ((struct upper_need){.data = COPYUP_EMPTY, .changes_data = true})

/*
 * Copies the object up unless it lives in the upper, or in the lower by its class; brings the data of
 * a metacopy in unless only attributes change. Refreshes *node. Returns
 *
 *	0		done
 *	-EINPROGRESS	its data are being copied: call again when *ret_flight is over. Not with
 *			COPYUP_DEFERRED. ret_flight NULL: the copy goes on all the same
 *	-ESTALE		its data are open with passthrough from the lower and would have to change:
 *			the kernel then looks the name up again, once, and gets another node
 *	else		negative errno (-EIO: a metacopy whose data are gone)
 */
int fs_make_upper(struct fs *fs, struct node_info *node, struct upper_need need,
		  struct flight **ret_flight);
