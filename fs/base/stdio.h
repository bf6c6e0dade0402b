/* SPDX-License-Identifier: MIT */
/*
 * Standard descriptors that the caller has closed.
 *
 * The next file opened would take their numbers: what is said on stderr would go into the control
 * file or the store. So their places are held, in a way that keeps them closed for everybody: by
 * descriptors that give EBADF, as none would, and that no program started inherits.
 */
#pragma once

/* Holds the places of those of 0, 1, 2 that are closed. The first call of main(). */
void stdio_hold(void);
