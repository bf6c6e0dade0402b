/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "base/sys.h"

#define STATUS_SIZE_MAX (64u << 10)

static uint64_t signal_set(const char *status, const char *field)
{
	const char *at = strstr(status, field);
	unsigned long long set;

	return at && sscanf(at + strlen(field), "%llx", &set) == 1 ? set : 0;
}

#define BIT(signal) (1ULL << ((signal)-1))

/* What by itself does not end a process (signal(7)). */
static const uint64_t harmless = BIT(SIGCHLD) | BIT(SIGCONT) | BIT(SIGURG) | BIT(SIGWINCH) |
				 BIT(SIGSTOP) | BIT(SIGTSTP) | BIT(SIGTTIN) | BIT(SIGTTOU);

bool proc_is_being_killed(pid_t tid)
{
	_cleanup_free_ char *status = NULL;
	uint64_t pending, others;
	char path[32];
	ssize_t r;

	if (tid <= 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	r = sys_read_file(AT_FDCWD, path, STATUS_SIZE_MAX, &status);
	if (r < 0)
		return r == -ENOENT || r == -ESRCH;
	pending = signal_set(status, "\nSigPnd:") | signal_set(status, "\nShdPnd:");
	others = signal_set(status, "\nSigBlk:") | signal_set(status, "\nSigIgn:") |
		 signal_set(status, "\nSigCgt:");
	return pending & ~others & ~harmless;
}
