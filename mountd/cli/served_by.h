/* SPDX-License-Identifier: MIT */
/*
 * Which daemon serves a mount that does not answer.
 */
#pragma once

#include <sys/types.h>

/*
 * The supervisor whose /dev/fuse is the connection of that number (the minor of the mount's device,
 * see mountinfo.h), as /proc/<pid>/fdinfo tells. 0 where none is found, and on kernels whose
 * fdinfo does not tell.
 */
pid_t served_by(unsigned int connection);
