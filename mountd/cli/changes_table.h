/* SPDX-License-Identifier: MIT */
/*
 * A session's changes for people: what diff and commit list.
 */
#pragma once

#include "cli/verb.h"

/* `changes`: the array of session.diff and session.commit. */
void changes_table_print(const struct call *call, const json_t *changes);
