/* SPDX-License-Identifier: MIT */
/*
 * A directory of a test's own, on a real file system.
 */
#pragma once

#define SCRATCH_SIZE 64

/* Makes one; it goes when the test's process ends in the ordinary way. Aborts on failure. */
void scratch_make(char ret[SCRATCH_SIZE]);
