/* SPDX-License-Identifier: MIT */
/*
 * Protection from the out-of-memory killer: the supervisor is worth the mount and all sessions,
 * and can do no harm with memory. Its children are ordinary processes.
 */
#pragma once

/* Asks for -1000 and remembers what was. A refusal does not matter. */
void oom_protect(void);
/* In a child: back to what was before oom_protect(). */
void oom_restore(void);
