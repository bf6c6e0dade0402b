/* SPDX-License-Identifier: MIT */
#include "cli/run/retry.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/ctl_client.h"
#include "cli/output.h"
#include "cli/text.h"

/* Where the daemon gave no estimate: its own upper bound. */
#define RETRY_DEFAULT_MS 5000

bool retry_wanted(const struct run_verdict *verdict)
{
	const char *code = json_string_value(json_object_get(verdict->error, "code"));

	return verdict->conflict && code && strcmp(code, err_code_name(ERR_LOCK_HELD)) == 0;
}

void retry_announce(const json_t *error, int64_t attempts, int64_t retries)
{
	const char *message = json_string_value(json_object_get(error, "message"));

	fputs("sessionfs: ", stderr);
	text_put(stderr, message ? message : "a lock is held");
	fprintf(stderr, "; waiting, then trying again (%lld of %lld)\n", (long long)attempts,
		(long long)retries);
}

static void sleep_ms(int64_t ms)
{
	const struct timespec duration = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&duration, NULL);
}

void retry_wait(const struct run_plan *plan, const json_t *error)
{
	json_t *lock = json_object_get(error, "lock");
	json_t *path = json_object_get(lock, "path"), *raw = json_object_get(lock, "path_b64");
	json_t *after = json_object_get(error, "retry_after_ms");
	int64_t bound_ms = after ? json_integer_value(after) : RETRY_DEFAULT_MS;
	_cleanup_close_ int fd = -1;
	struct answer answer = {0};
	struct err err = {0};
	json_t *request;

	if (plan->deadline_ns) {
		uint64_t now_ns = clock_boot_ns();
		int64_t left_ms = now_ns < plan->deadline_ns
					  ? (int64_t)((plan->deadline_ns - now_ns) / NSEC_PER_MSEC)
					  : 0;

		if (left_ms < bound_ms)
			bound_ms = left_ms;
	}
	if (bound_ms <= 0)
		return;
	fd = path ? ctl_open(plan->mountpoint, &err) : -1;
	if (fd < 0) {
		sleep_ms(bound_ms);
		return;
	}
	request = ctl_request("lock.wait");
	json_object_set(request, "path", path);
	if (raw)
		json_object_set(request, "path_b64", raw);
	json_object_set_new(request, "timeout_ms", json_integer(bound_ms));
	/* TIMEOUT and a free lock mean the same here: now is the time to try. */
	if (ctl_ask_consume(fd, request, &answer, &err) < 0)
		sleep_ms(bound_ms);
	answer_release(&answer);
}
