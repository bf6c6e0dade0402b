/* SPDX-License-Identifier: MIT */
/* What a case left: its whole tree, sorted. */
#pragma once

#include <stdio.h>

#include "world.h"

/* Writes a line for each object below the current directory. */
void dump_tree(struct world *world, FILE *out);
