/* SPDX-License-Identifier: MIT */
/*
 * Signals of a run.
 *
 * COMMAND is in the caller's process group, so what is sent to the group (a terminal's ^C, kill of
 * a group, timeout(1)) reaches it anyway; only what is sent to `run` alone must be passed on, or
 * COMMAND would get it twice. Nothing in a signal says which it was. But the keeper is in the
 * group too and gets a group's signal itself, and it has it before `run` can see its own: the
 * kernel goes through a group from its youngest member, and `run` is older than its keeper. So
 * `run` hands every signal to the keeper (signals_relay), and the keeper passes on those that it
 * has not got itself (signals_judge).
 *
 * Both read their signals from a signalfd; nothing here installs a handler.
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
/* In the keeper: blocks everything. Returns a signalfd for everything, or negative errno. */
int signals_begin_keeper(void);
/* In the child that becomes COMMAND: everything as the caller had it. Async-signal-safe. */
void signals_restore(const struct signals_saved *saved);
/* While no COMMAND is there: signals do to `run` what they do to any program; and back. */
void signals_pause(const struct signals_saved *saved);
void signals_resume(void);

/* Carries the number of a signal that `run` got, to its keeper. */
#define SIGNALS_RELAY (SIGRTMIN)
#define SIGNALS_MAX 64

/*
 * In `run`: the next signal that the signalfd holds, 0 where there is none.
 */
int signals_next(int signal_fd);
/* In `run`: hands it to the keeper. */
void signals_relay(pid_t keeper, int signo);
/* Whether that signal ends a program that does not care for it. */
bool signals_ends_by_default(int signo);

/* What a keeper has seen; zero-initialised at first. */
struct signals_seen {
	unsigned int own[SIGNALS_MAX + 1];     /* got by the keeper, not yet by `run` */
	unsigned int relayed[SIGNALS_MAX + 1]; /* got by `run`, not yet judged */
};

/* In the keeper: takes all that the signalfd holds. Relays count only from the process `run`. */
void signals_collect(int signal_fd, pid_t run, struct signals_seen *seen);
/* How often that signal is to be passed on: relayed, and not the group's. Pure. */
unsigned int signals_judge(struct signals_seen *seen, int signo);

/*
 * Stops `run`, as COMMAND is stopped, so that the caller's shell sees a stopped job; returns when
 * it is continued: by the shell, or by the keeper when COMMAND goes on or ends. Whether a ^Z stops COMMAND is COMMAND's business: `run` never stops first.
 */
void signals_stop_with(pid_t command);
/* Ends `run` by a signal, as if it had never been blocked. */
void signals_die(int signo) __attribute__((noreturn));
