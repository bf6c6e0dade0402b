/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/* Fills an empty directory with files, directories, links and FIFOs, by a seed. Ends on errors. */
void populate(const char *path, uint64_t seed);
