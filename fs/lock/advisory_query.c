/* SPDX-License-Identifier: MIT */
/* What is asked of the table. */
#include <string.h>

#include "lock/advisory_table.h"

struct test {
	struct advisory *advisory;
	const struct advisory_request *request;
	uint32_t lowest;
};

static bool visit(uint32_t number, const void *key, void *context)
{
	struct test *test = context;

	(void)key;
	if (advisory_is_in_the_way(test->advisory, number, test->request) &&
	    (!test->lowest || advisory_at(test->advisory, number)->start <
				      advisory_at(test->advisory, test->lowest)->start))
		test->lowest = number;
	return false;
}

bool advisory_test(struct advisory *advisory, const struct advisory_request *request,
		   struct advisory_record *ret_record)
{
	struct test test = {.advisory = advisory, .request = request};

	pthread_mutex_lock(&advisory->mutex);
	index_find(&advisory->by_file, advisory_hash(&request->key, request->kind), visit, NULL,
		   &test);
	if (test.lowest)
		memcpy(ret_record, advisory_at(advisory, test.lowest), sizeof(*ret_record));
	pthread_mutex_unlock(&advisory->mutex);
	return test.lowest != 0;
}

bool advisory_any(const struct advisory *advisory)
{
	return atomic_load(&advisory->posix_count) != 0;
}

bool advisory_in_use(struct advisory *advisory, const struct advisory_key *key)
{
	/* Nobody's, and in the way of any lock. */
	const struct advisory_request request = {
		.key = *key, .range = {0, RANGE_END, RANGE_WRITE}, .kind = ADVISORY_OFD};
	struct advisory_record record;

	return advisory_any(advisory) && advisory_test(advisory, &request, &record);
}

bool advisory_holds(struct advisory *advisory, const struct advisory_request *request)
{
	size_t others;
	bool holds;

	pthread_mutex_lock(&advisory->mutex);
	holds = advisory_list_locked(advisory, request, &others) < 0 || advisory->list.n > 0;
	pthread_mutex_unlock(&advisory->mutex);
	return holds;
}
