/* SPDX-License-Identifier: MIT */
/*
 * What mount(2) and umount(2) ask of their caller.
 */
#pragma once

#include "base/err.h"

/*
 * PERMISSION_DENIED ("mount needs CAP_SYS_ADMIN") where this process lacks the capability. `verb` is
 * "mount" or "umount". Returns 0 or -1.
 */
int privilege_check(const char *verb, struct err *err);
