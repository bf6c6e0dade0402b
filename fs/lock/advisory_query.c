/* SPDX-License-Identifier: MIT */
/* What is asked of the table. */
#include <string.h>

#include "lock/advisory_table.h"

bool advisory_test(struct advisory *advisory, const struct advisory_request *request,
		   struct advisory_record *ret_record)
{
	uint32_t number;

	pthread_mutex_lock(&advisory->mutex);
	number = advisory_conflict_locked(advisory, request);
	if (number)
		memcpy(ret_record, advisory_at(advisory, number), sizeof(*ret_record));
	pthread_mutex_unlock(&advisory->mutex);
	return number != 0;
}

bool advisory_in_use(struct advisory *advisory, const struct advisory_key *key)
{
	/* Nobody's, and in the way of any lock. */
	const struct advisory_request request = {
		.key = *key, .range = {0, RANGE_END, RANGE_WRITE}, .kind = ADVISORY_OFD};
	struct advisory_record record;

	return atomic_load(&advisory->posix_count) && advisory_test(advisory, &request, &record);
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
