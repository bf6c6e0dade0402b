/* SPDX-License-Identifier: MIT */
/*
 * What the command line prints: envelopes for programs, lines for people (SPEC section 8).
 *
 * Decides nothing about the content: a verb gives an answer (verb.h), main.c asks here for the
 * form. Data goes to stdout, diagnostics to stderr.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "cli/verb.h"

#define OUTPUT_SCHEMA_VERSION "1.0"

/* What the environment says of the form, gathered once by output_traits(). */
struct output_traits {
	bool stdout_is_tty;
	bool ci;       /* CI=true */
	bool no_color; /* NO_COLOR is set and not empty, or TERM=dumb */
};
struct output_traits output_traits(void);

/*
 * Whether envelopes are printed. `format` is the value of --output ("json", "table" or NULL),
 * `json_flag` whether --json was given. Pure.
 */
bool output_is_json(const struct output_traits *traits, const char *format, bool json_flag);

/*
 * The error object of an envelope for err: code, exit_code, message, suggestion (where there is
 * one), retryable. A new reference.
 */
json_t *output_error(const struct err *err);

/*
 * The whole envelope, a new reference. Takes answer's parts (they are NULL afterwards); absent
 * ones become null, [] and {}. ok is "error is null". duration_ms counts from started_ns.
 */
json_t *output_envelope_consume(struct answer *answer, uint64_t started_ns);

/* The exit status that an error object asks for: exit_code, else that of its code, else 1. */
int output_exit_code(const json_t *error);

/* "sessionfs: message" and the suggestion, on stderr. Also an array of warnings, one a line. */
void output_print_error(const json_t *error);
void output_print_warnings(const json_t *warnings);

/* Frees the parts of an answer. */
void answer_release(struct answer *answer);
/* Adds a warning (printf form) to answer->warnings. */
void answer_warn(struct answer *answer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
