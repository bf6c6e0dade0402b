/* SPDX-License-Identifier: MIT */
/* A commit's journal: what is taken for one names shares and kinds that there are, and is written as it was read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "txn/journal.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_journal_ struct journal journal = {0}, again = {0};
	_cleanup_buf_ struct buf text = {0};

	if (journal_decode(data, size, &journal) < 0) {
		must(!journal.ops && !journal.shares);
		return 0;
	}
	for (size_t i = 0; i < journal.n_ops; i++) {
		must(journal.ops[i].share < journal.n_shares);
		must(journal.ops[i].kind >= JOURNAL_PUT && journal.ops[i].kind <= JOURNAL_META);
	}
	journal_encode(&journal, &text);
	must(!buf_failed(&text));
	must(journal_decode(text.data, text.len, &again) == 0);
	must(again.n_ops == journal.n_ops && again.done == journal.done &&
	     again.uid == journal.uid);
	for (size_t i = 0; i < journal.n_ops; i++)
		must(again.ops[i].ino == journal.ops[i].ino &&
		     strcmp(again.ops[i].path, journal.ops[i].path) == 0);
	return 0;
}
