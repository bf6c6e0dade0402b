/* SPDX-License-Identifier: MIT */
/*
 * Signals of a run.
 *
 * COMMAND is in the caller's process group, so what is sent to the group (a terminal's ^C, kill of
 * a group, timeout(1)) reaches it anyway; only what is sent to `run` alone must be passed on, or
 * COMMAND would get it twice. The keeper tells the two apart: it is in the group too and blocks
 * everything, so a group's signal is left pending in it, and is so before `run` can see its own:
 * the kernel goes through a group from its youngest member, and `run` is the oldest of the three.
 *
 * `run` reads its signals from a signalfd; nothing here installs a handler.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* How the caller had its signals: COMMAND gets them so. */
struct signals_saved {
	sigset_t mask;
	bool chld_ignored;
};

/*
 * Blocks what `run` passes on, and makes SIGCHLD wait for waitpid(). Returns the signalfd
 * (non-blocking, close-on-exec) or negative errno.
 */
int signals_begin(struct signals_saved *ret_saved);
/* In the keeper: blocks everything. Returns a signalfd for SIGCHLD and SIGNALS_FORGET. */
int signals_begin_keeper(void);
/* In the child that becomes COMMAND: everything as the caller had it. Async-signal-safe. */
void signals_restore(const struct signals_saved *saved);
/* While no COMMAND is there: signals do to `run` what they do to any program; and back. */
void signals_pause(const struct signals_saved *saved);
void signals_resume(void);

/* Sent to the keeper with a signal's number as value: that pending signal is dealt with. */
#define SIGNALS_FORGET (SIGRTMIN)
/* In the keeper: takes that signal from its pending set. */
void signals_forget(int signo);

/*
 * Deals with everything that the signalfd holds. command: its pid, 0 while COMMAND does not run
 * yet, -1 when it does not any more. Returns 0, or the number of a signal that should end `run`
 * itself because there is no COMMAND yet to end.
 */
int signals_relay(int signal_fd, pid_t keeper, pid_t command);
/*
 * Stops `run`, as COMMAND is stopped, so that the caller's shell sees a stopped job; returns when
 * it is continued. Whether a ^Z stops COMMAND is COMMAND's business: `run` never stops first.
 */
void signals_stop_with(pid_t command);
/* Ends `run` by a signal, as if it had never been blocked. */
void signals_die(int signo) __attribute__((noreturn));

/* Whether `set`, the hexadecimal mask of a /proc status file, has the signal. Pure. */
bool signals_in_mask(const char *set, int signo);
