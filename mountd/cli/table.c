/* SPDX-License-Identifier: MIT */
#include "cli/table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cli/text.h"

#define GAP 2
/* What the last column and the others keep at least where a line is too long. */
#define LAST_MIN 16
#define COLUMN_MIN 8

struct table {
	const struct table_column *columns;
	size_t n_columns;
	char **cells;
	size_t n_cells;
	size_t capacity;
};

struct table *table_new(const struct table_column *columns, size_t n_columns)
{
	struct table *table = calloc(1, sizeof(*table));

	if (table) {
		table->columns = columns;
		table->n_columns = n_columns;
	}
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}

void table_add(struct table *table, const char *text)
{
	struct buf safe = {0};

	if (!table)
		return;
	if (table->n_cells == table->capacity) {
		size_t capacity = table->capacity ? table->capacity * 2 : 64;
		char **cells = realloc(table->cells, capacity * sizeof(*cells));

		if (!cells)
			return;
		table->cells = cells;
		table->capacity = capacity;
	}
	text_add_safe(&safe, text && text[0] ? text : "-");
	if (buf_failed(&safe))
		buf_release(&safe);
	else
		table->cells[table->n_cells++] = safe.data;
}

void table_add_integer(struct table *table, int64_t value)
{
	char text[TEXT_NUMBER_SIZE];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	table_add(table, text);
}

size_t table_rows(const struct table *table)
{
	return table ? table->n_cells / table->n_columns : 0;
}

static size_t column_width(const struct table *table, size_t column)
{
	const char *title = table->columns[column].title;
	size_t width = table->columns[0].title && title ? text_width(title) : 0;

	for (size_t i = column; i < table->n_cells; i += table->n_columns) {
		size_t cell = text_width(table->cells[i]);

		if (cell > width)
			width = cell;
	}
	return width;
}

static void put_spaces(FILE *out, size_t n)
{
	while (n-- > 0)
		fputc(' ', out);
}

static void put_cut(FILE *out, const char *text, size_t width)
{
	if (text_width(text) <= width)
		fputs(text, out);
	else
		fprintf(out, "%.*s…", (int)text_prefix(text, width - 1), text);
}

/* Takes from a column what `excess` asks for, down to what still says something. */
static void narrow(size_t *width, size_t least, size_t *excess)
{
	size_t give = *width > least ? *width - least : 0;

	if (give > *excess)
		give = *excess;
	*width -= give;
	*excess -= give;
}

/* The text column that is the widest; n_columns where none can give. */
static size_t widest(const struct table *table, const size_t *widths)
{
	size_t found = table->n_columns;

	for (size_t i = 0; i < table->n_columns; i++)
		if (!table->columns[i].right && widths[i] > COLUMN_MIN &&
		    (found == table->n_columns || widths[i] > widths[found]))
			found = i;
	return found;
}

/*
 * Fits the columns into a line of `limit`: the last gives first, for it is what is long by nature;
 * then the others, the widest first. Numbers stay whole, so that it may remain too long.
 */
static void fit(const struct table *table, size_t *widths, size_t limit)
{
	size_t total = GAP * (table->n_columns - 1), last = table->n_columns - 1, column;
	size_t excess;

	for (size_t i = 0; i < table->n_columns; i++)
		total += widths[i];
	if (!limit || total <= limit)
		return;
	excess = total - limit;
	if (!table->columns[last].right)
		narrow(&widths[last], LAST_MIN, &excess);
	while (excess && (column = widest(table, widths)) < table->n_columns) {
		widths[column]--;
		excess--;
	}
}

static void put_row(const struct table *table, const size_t *widths, const char *const *cells,
		    FILE *out)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		const char *text = cells[i] ? cells[i] : "";
		size_t width = text_width(text);
		size_t padding = widths[i] > width ? widths[i] - width : 0;
		bool last = i + 1 == table->n_columns;

		if (table->columns[i].right)
			put_spaces(out, padding);
		put_cut(out, text, widths[i]);
		if (!table->columns[i].right && !last)
			put_spaces(out, padding);
		if (!last)
			put_spaces(out, GAP);
	}
}

void table_print(const struct table *table, FILE *out, bool colour, size_t width)
{
	_cleanup_free_ size_t *widths = table ? calloc(table->n_columns, sizeof(*widths)) : NULL;
	_cleanup_free_ const char **titles = table ? calloc(table->n_columns, sizeof(*titles))
						   : NULL;

	if (!widths || !titles)
		return;
	for (size_t i = 0; i < table->n_columns; i++) {
		widths[i] = column_width(table, i);
		titles[i] = table->columns[i].title;
	}
	fit(table, widths, width);
	if (titles[0]) {
		fputs(colour ? "\033[1m" : "", out);
		put_row(table, widths, titles, out);
		fputs(colour ? "\033[0m\n" : "\n", out);
	}
	for (size_t row = 0; row < table_rows(table); row++) {
		put_row(table, widths, (const char *const *)table->cells + row * table->n_columns,
			out);
		fputc('\n', out);
	}
}

size_t table_terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col;
}
