/* SPDX-License-Identifier: MIT */
/* The arena's tables, by number. The order is that of the arena's layout. */
#pragma once

enum worker_table {
	TABLE_SESSIONS,
	TABLE_RUNS,
	TABLE_NODES,
	TABLE_NAMES,
	TABLE_HANDLES,
	TABLE_LOCKS,
	TABLE_ADVISORY,
	TABLE_EVENTS,
	TABLES_COUNT,
};
