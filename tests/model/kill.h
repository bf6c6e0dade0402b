/* SPDX-License-Identifier: MIT */
#pragma once

#include "world.h"

/* Kills the worker between two operations, and waits until there is another. */
void kill_worker(struct world *world);
