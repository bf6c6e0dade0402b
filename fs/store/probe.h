/* SPDX-License-Identifier: MIT */
/*
 * What the store's file system can do for us, found out by trying. Private to store/.
 */
#pragma once

#include "base/err.h"
#include "store/layout.h"

/*
 * Sets store->xattr_prefix, and makes sure that whiteouts can be made. Uses the trash. Returns 0;
 * -1 with PRECONDITION_FAILED where something is lacking, IO_ERROR where the disk is full or broken.
 */
int store_probe(struct store *store, struct err *err);
