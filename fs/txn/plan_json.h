/* SPDX-License-Identifier: MIT */
/*
 * The part of making a plan that merges JSON files. Private to txn/.
 */
#pragma once

#include "txn/plan.h"

/*
 * What both sides have changed: with `merged` set the item can be applied, with `clashes` it is known why not,
 * with neither it is no file that is merged. `base` is what the session took over. 0 or negative errno.
 */
int plan_merge_json(const struct layout_names *names, const struct plan_share *share,
		    const struct layout_base *base, struct plan_item *item);
