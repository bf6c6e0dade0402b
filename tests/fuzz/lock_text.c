/* SPDX-License-Identifier: MIT */
/* What a lock's text says: a pid that a process can have or none, and nothing that acts on a terminal. */
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "lock/redact.h"
#include "lock/text.h"

#define PID_MAX (1 << 22) /* of Linux on 64 bits */

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_shown(const char *text)
{
	_cleanup_buf_ struct buf buf = {0};

	text_sanitise(text, &buf);
	must(!buf_failed(&buf));
	for (size_t i = 0; i < buf.len; i++) {
		unsigned char c = (unsigned char)buf.data[i];

		must(c >= 0x20 && c != 0x7f);
	}
}

static void check_redacted(const char *text)
{
	struct redact_state state = {0};
	_cleanup_buf_ struct buf buf = {0};

	redact_argument(&state, "tool", &buf);
	redact_argument(&state, text, &buf);
	redact_argument(&state, text, &buf);
	must(!buf_failed(&buf));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = malloc(size + 1);

	must(text != NULL);
	for (size_t i = 0; i < size; i++)
		text[i] = (char)data[i];
	text[size] = '\0';
	for (int is_symlink = 0; is_symlink < 2; is_symlink++) {
		pid_t pid = text_pid(text, size, is_symlink, "host");

		must(pid >= 0 && pid <= PID_MAX);
	}
	check_shown(text);
	check_redacted(text);
	return 0;
}
