/* SPDX-License-Identifier: MIT */
/* Condition variables with time-outs, on the clock that never jumps (CLOCK_MONOTONIC). */
#pragma once

#include <pthread.h>
#include <time.h>

/* The only one whose waits may use cond_deadline(). */
void cond_init(pthread_cond_t *cond);
/* The moment `ms` milliseconds from now, for pthread_cond_timedwait(). */
struct timespec cond_deadline(unsigned int ms);
