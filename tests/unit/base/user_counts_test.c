/* SPDX-License-Identifier: MIT */
#include "base/user_counts.h"

#include <criterion/criterion.h>

Test(user_counts, each_user_has_his_own)
{
	struct user_counts counts = {0};

	for (int i = 0; i < 3; i++)
		cr_assert_eq(user_counts_add(&counts, 1000), 0);
	cr_assert_eq(user_counts_add(&counts, 1001), 0);
	cr_assert(user_counts_reached(&counts, 1000, 3));
	cr_assert(!user_counts_reached(&counts, 1000, 4));
	cr_assert(user_counts_reached(&counts, 1001, 1));
	cr_assert(!user_counts_reached(&counts, 1002, 1));
	user_counts_remove(&counts, 1000);
	cr_assert(!user_counts_reached(&counts, 1000, 3));
	cr_assert(user_counts_reached(&counts, 1001, 1));
	user_counts_release(&counts);
}

Test(user_counts, who_has_none_is_forgotten)
{
	struct user_counts counts = {0};

	for (uint32_t uid = 1; uid <= 5; uid++)
		cr_assert_eq(user_counts_add(&counts, uid), 0);
	user_counts_remove(&counts, 2);
	user_counts_remove(&counts, 2);
	user_counts_remove(&counts, 7);
	cr_assert_eq(counts.n_users, 4);
	for (uint32_t uid = 1; uid <= 5; uid++)
		cr_assert_eq(user_counts_reached(&counts, uid, 1), uid != 2);
	user_counts_release(&counts);
}

Test(user_counts, root_is_not_counted)
{
	struct user_counts counts = {0};

	cr_assert_eq(user_counts_add(&counts, 0), 0);
	cr_assert(!user_counts_reached(&counts, 0, 1));
	cr_assert_eq(counts.n_users, 0);
	user_counts_remove(&counts, 0);
	user_counts_release(&counts);
}
