/* SPDX-License-Identifier: MIT */
/*
 * Who polls the stream of events. A poll handle is kept until the next event, and then woken.
 */
#pragma once

struct fs;
struct pollers;

int pollers_new(struct pollers **ret_pollers);
void pollers_free(struct pollers *pollers);
/* An event was emitted: wakes everybody. Never blocks. */
void pollers_wake(struct fs *fs);
