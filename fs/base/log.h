/* SPDX-License-Identifier: MIT */
/*
 * The daemon's own messages: one line each on stderr (which `mount` points to the store's log file
 * unless --foreground). Never on a fast path.
 */
#pragma once

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

/* Default LOG_LEVEL_INFO; SESSIONFS_LOG=debug|info|warning|error in the environment sets it. */
void log_init(const char *program);
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
