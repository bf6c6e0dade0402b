/* SPDX-License-Identifier: MIT */
/*
 * What the idioms differ in, as far as the table of locks cares. Pure.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "lock/lock.h"

/* Whether the existence of the file is the lock, so that a stale one is freed by deleting it. */
bool idiom_is_existence(enum lock_idiom idiom);
/* The idiom by which a file that we did not see made would have been taken. */
enum lock_idiom idiom_of_file(const struct stat *st);
