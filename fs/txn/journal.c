/* SPDX-License-Identifier: MIT */
#include "txn/journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

#define JOURNAL_FILE "commit"
#define JOURNAL_VERSION "1"

void journal_release(struct journal *journal)
{
	for (uint32_t i = 0; i < journal->n_shares; i++)
		free(journal->shares[i]);
	for (size_t i = 0; i < journal->n_ops; i++)
		free(journal->ops[i].path);
	free(journal->shares);
	free(journal->ops);
	free(journal->session);
	*journal = (struct journal){0};
}

/* Fields are text that ends in a NUL: paths hold any other byte. */
static void add_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text) + 1);
}

static void add_number(struct buf *buf, uint64_t number)
{
	buf_add_format(buf, "%llu", (unsigned long long)number);
	buf_add(buf, "", 1);
}

void journal_encode(const struct journal *journal, struct buf *ret_text)
{
	add_text(ret_text, JOURNAL_VERSION);
	add_number(ret_text, journal->done);
	add_number(ret_text, journal->uid);
	add_text(ret_text, journal->session);
	add_number(ret_text, journal->n_shares);
	for (uint32_t i = 0; i < journal->n_shares; i++)
		add_text(ret_text, journal->shares[i]);
	add_number(ret_text, journal->n_ops);
	for (size_t i = 0; i < journal->n_ops; i++) {
		add_number(ret_text, journal->ops[i].kind);
		add_number(ret_text, journal->ops[i].share);
		add_number(ret_text, journal->ops[i].ino);
		add_number(ret_text, journal->ops[i].parent_ino);
		add_number(ret_text, journal->ops[i].former_ino);
		add_number(ret_text, journal->ops[i].former_size);
		add_number(ret_text, journal->ops[i].former_mtime_ns);
		add_number(ret_text, journal->ops[i].merged);
		add_text(ret_text, journal->ops[i].path);
	}
}

int journal_write(struct store *store, const struct journal *journal)
{
	_cleanup_buf_ struct buf buf = {0};

	journal_encode(journal, &buf);
	return buf_failed(&buf) ? -ENOMEM
				: store_state_write(store, JOURNAL_FILE, buf.data, buf.len);
}

struct reader {
	const char *at;
	const char *end;
	int error;
};

static const char *read_text(struct reader *reader)
{
	const char *text = reader->at;
	const char *nul = reader->error ? NULL : memchr(text, '\0', (size_t)(reader->end - text));

	if (!nul) {
		reader->error = -EBADMSG;
		return "";
	}
	reader->at = nul + 1;
	return text;
}

/* Digits alone, as they are written. */
static uint64_t read_number(struct reader *reader, uint64_t max)
{
	const char *text = read_text(reader);
	size_t digits = strspn(text, "0123456789");
	uint64_t number;

	errno = 0;
	number = strtoull(text, NULL, 10);
	if (digits == 0 || text[digits] || errno || number > max)
		reader->error = -EBADMSG;
	return reader->error ? 0 : number;
}

static char *copy_text(struct reader *reader)
{
	char *copy = strdup(read_text(reader));

	if (!copy)
		reader->error = -ENOMEM;
	return copy;
}

static void read_fields(struct reader *reader, struct journal *journal)
{
	/* A field takes a byte or more: what is left bounds every count. */
	size_t left = (size_t)(reader->end - reader->at);
	uint64_t count;

	if (strcmp(read_text(reader), JOURNAL_VERSION) != 0)
		reader->error = -EBADMSG;
	journal->done = read_number(reader, 1);
	journal->uid = (uid_t)read_number(reader, UINT32_MAX);
	journal->session = copy_text(reader);
	count = read_number(reader, left);
	journal->shares = calloc(count + 1, sizeof(*journal->shares));
	if (!journal->shares)
		reader->error = -ENOMEM;
	for (; !reader->error && journal->n_shares < count; journal->n_shares++)
		journal->shares[journal->n_shares] = copy_text(reader);
	count = read_number(reader, left);
	journal->ops = calloc(count + 1, sizeof(*journal->ops));
	if (!journal->ops)
		reader->error = -ENOMEM;
	for (; !reader->error && journal->n_ops < count; journal->n_ops++) {
		struct journal_op *op = &journal->ops[journal->n_ops];

		op->kind = (enum journal_kind)read_number(reader, JOURNAL_META);
		op->share = (uint32_t)read_number(reader, UINT32_MAX);
		op->ino = read_number(reader, UINT64_MAX);
		op->parent_ino = read_number(reader, UINT64_MAX);
		op->former_ino = read_number(reader, UINT64_MAX);
		op->former_size = read_number(reader, UINT64_MAX);
		op->former_mtime_ns = read_number(reader, UINT64_MAX);
		op->merged = read_number(reader, 1);
		op->path = copy_text(reader);
		if (op->kind == 0 || op->share >= journal->n_shares)
			reader->error = reader->error ? reader->error : -EBADMSG;
	}
	if (!reader->error && reader->at != reader->end)
		reader->error = -EBADMSG;
}

int journal_decode(const void *data, size_t len, struct journal *ret_journal)
{
	_cleanup_journal_ struct journal journal = {0};
	struct reader reader = {.at = data, .end = (const char *)data + len};

	read_fields(&reader, &journal);
	if (reader.error)
		return reader.error;
	*ret_journal = journal;
	journal = (struct journal){0};
	return 0;
}

int journal_read(struct store *store, struct journal *ret_journal)
{
	_cleanup_free_ void *data = NULL;
	size_t len;
	int r = store_state_read(store, JOURNAL_FILE, &data, &len);

	return r < 0 ? r : journal_decode(data, len, ret_journal);
}

int journal_exists(struct store *store)
{
	_cleanup_free_ void *data = NULL;
	size_t len;
	int r = store_state_read(store, JOURNAL_FILE, &data, &len);

	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

int journal_remove(struct store *store)
{
	return store_state_remove(store, JOURNAL_FILE);
}
