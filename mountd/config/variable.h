/* SPDX-License-Identifier: MIT */
/*
 * What may stand in identify.environment: the name of a variable ("CODEX_THREAD_ID"), or a
 * template of "${NAME}" and of characters that a session id may have ("${A}.${B}").
 */
#pragma once

/* NULL where the text is well-formed, else why not, in words. */
const char *variable_check(const char *text);
