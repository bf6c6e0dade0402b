/* SPDX-License-Identifier: MIT */
/*
 * Aligned columns for a person.
 *
 *	struct table *table = table_new(columns, ARRAY_SIZE(columns));
 *	table_add(table, "build-1");	cell by cell; a full row begins the next
 *	table_print(table, stdout, colour, width);
 *	table_free(table);
 *
 * Cells are copied and made harmless (text_add_safe). Running out of memory ends the program's
 * output early, nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"

struct table_column {
	const char *title; /* NULL in the first column: no header is printed */
	bool right;        /* numbers */
};

struct table;

struct table *table_new(const struct table_column *columns, size_t n_columns);
void table_free(struct table *table);
static inline void table_cleanup(struct table **table)
{
	table_free(*table);
}
#define _cleanup_table_ _cleanup_(table_cleanup)

void table_add(struct table *table, const char *text);
void table_add_integer(struct table *table, int64_t value);
size_t table_rows(const struct table *table);

/*
 * width: columns of the terminal; a last column that does not fit ends in an ellipsis. 0: no
 * limit. colour: the header is bold.
 */
void table_print(const struct table *table, FILE *out, bool colour, size_t width);

/* Columns of the terminal that stdout is, 0 where it is none. */
size_t table_terminal_width(void);
