/* SPDX-License-Identifier: MIT */
/*
 * The error object of the slow paths: mount, configuration, control requests, the command line.
 *
 * Fast paths return negative errno and nothing else. A slow path takes `struct err *err` as its
 * last parameter, fills it on failure and returns -1 (or a negative errno where it says so). The
 * fields are those of an envelope's `error` (SPEC section 8). `err` may not be NULL.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Exit codes of the CLI Agent Spec that sessionfs uses; see schemas/exit-code.json. */
enum exit_code {
	EXIT_CODE_OK = 0,
	EXIT_CODE_OTHER = 1,
	EXIT_CODE_VALIDATION = 2,
	EXIT_CODE_PARTIAL = 3,
	EXIT_CODE_PRECONDITION = 4,
	EXIT_CODE_NOT_FOUND = 5,
	EXIT_CODE_CONFLICT = 6,
	EXIT_CODE_PERMISSION = 7,
	EXIT_CODE_TIMEOUT = 10,
	EXIT_CODE_UNAVAILABLE = 12,
};

/*
 * Stable error codes: name, exit code, retryable. One table for the daemon and the command line.
 */
#define ERR_CODES(X)                                                                               \
	X(VALIDATION_ERROR, EXIT_CODE_VALIDATION, false)                                           \
	X(PRECONDITION_FAILED, EXIT_CODE_PRECONDITION, false)                                      \
	X(LOCK_HELD, EXIT_CODE_PRECONDITION, true)                                                 \
	X(LIMIT_REACHED, EXIT_CODE_PRECONDITION, false)                                            \
	X(NOT_FOUND, EXIT_CODE_NOT_FOUND, false)                                                   \
	X(ALREADY_EXISTS, EXIT_CODE_CONFLICT, false)                                               \
	X(WRITE_CONFLICT, EXIT_CODE_CONFLICT, true)                                                \
	X(COMMIT_CONFLICT, EXIT_CODE_CONFLICT, false)                                              \
	X(LOCK_LOST, EXIT_CODE_CONFLICT, false)                                                    \
	X(PERMISSION_DENIED, EXIT_CODE_PERMISSION, false)                                          \
	X(TIMEOUT, EXIT_CODE_TIMEOUT, false)                                                       \
	X(UNAVAILABLE, EXIT_CODE_UNAVAILABLE, true)                                                \
	X(COMMAND_FAILED, EXIT_CODE_OTHER, false)                                                  \
	X(COMMAND_NOT_EXECUTABLE, EXIT_CODE_OTHER, false)                                          \
	X(COMMAND_NOT_FOUND, EXIT_CODE_OTHER, false)                                               \
	X(CHECK_FAILED, EXIT_CODE_OTHER, false)                                                    \
	X(IO_ERROR, EXIT_CODE_OTHER, false)                                                        \
	X(INTERNAL_ERROR, EXIT_CODE_OTHER, false)

enum err_code {
	ERR_NONE,
#define X(name, exit_code, retryable) ERR_##name,
	ERR_CODES(X)
#undef X
};

struct err {
	enum err_code code;
	char message[768];    /* names the path or the option; one line, no trailing newline */
	char suggestion[512]; /* empty where there is none */
};

/*
 * Sets code and message (printf form), clears the suggestion.
 * Returns -1, so that a caller can write `return err_set(...)`.
 */
int err_set(struct err *err, enum err_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set(), with ": <strerror(errno_value)>" appended. errno_value is positive. */
int err_set_errno(struct err *err, enum err_code code, int errno_value, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Sets the suggestion of an error that was set before. Returns -1. */
int err_suggest(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "LOCK_HELD" for ERR_LOCK_HELD; "" for ERR_NONE. Never NULL. */
const char *err_code_name(enum err_code code);
enum exit_code err_code_exit(enum err_code code);
bool err_code_retryable(enum err_code code);
/* The code of that name, ERR_INTERNAL_ERROR for an unknown one. */
enum err_code err_code_by_name(const char *name);
