/* SPDX-License-Identifier: MIT */
/* Condition variables with time-outs, on the clock that never jumps (CLOCK_MONOTONIC). */
#pragma once

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* The only one whose waits may use cond_deadline(). */
void cond_init(pthread_cond_t *cond);
/* The moment `ns` nanoseconds from now, for pthread_cond_timedwait(). */
struct timespec cond_deadline(uint64_t ns);
