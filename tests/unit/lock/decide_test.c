/* SPDX-License-Identifier: MIT */
/* Decisions of two and three facts: every combination. */
#include <criterion/criterion.h>

#include "lock/idiom.h"
#include "lock/settle.h"
#include "lock/stale.h"

Test(stale, nobody_who_may_come_back_loses_a_lock)
{
	for (int bits = 0; bits < 24; bits++) {
		struct stale_case c = {
			.creator_known = bits & 1,
			.creator_alive = bits & 2,
			.group_alive = bits & 4,
			.text = (enum stale_text)(bits / 8),
		};
		bool expected;

		if (!c.creator_known || c.creator_alive || c.text == STALE_TEXT_LIVE)
			expected = false;
		else if (c.text == STALE_TEXT_DEAD)
			expected = true;
		else
			expected = !c.group_alive;
		cr_expect_eq(stale_decide(&c), expected, "case %d", bits);
	}
}

Test(settle, whose_identity_the_file_has_holds)
{
	for (int bits = 0; bits < 32; bits++) {
		struct settle_case c = {
			.has_held = bits & 1,
			.claim_is_file = bits & 2,
			.held_is_file = bits & 4,
			.claim_removed = bits & 8,
			.held_removed = bits & 16,
		};
		enum settle_holder holder = settle_decide(&c);

		if (!c.has_held)
			cr_expect_eq(holder, c.claim_is_file ? SETTLE_CLAIM : SETTLE_NOBODY);
		else if (c.claim_is_file != c.held_is_file)
			cr_expect_eq(holder, c.claim_is_file ? SETTLE_CLAIM : SETTLE_HELD);
		else if (!c.claim_is_file)
			cr_expect_eq(holder, SETTLE_NOBODY);
		else /* an inode number used again: by the claim, unless it was removed since */
			cr_expect_eq(holder, c.claim_removed && !c.held_removed ? SETTLE_HELD
										: SETTLE_CLAIM);
	}
}

Test(idiom, names_are_those_of_the_contract)
{
	cr_expect_str_eq(lock_idiom_name(LOCK_IDIOM_CREATE), "create");
	cr_expect_str_eq(lock_idiom_name(LOCK_IDIOM_MKDIR), "mkdir");
	cr_expect_str_eq(lock_idiom_name(LOCK_IDIOM_LINK), "link");
	cr_expect_str_eq(lock_idiom_name(LOCK_IDIOM_SYMLINK), "symlink");
	cr_expect_str_eq(lock_idiom_name(LOCK_IDIOM_RENAME), "rename");
	cr_expect_str_eq(lock_idiom_name(LOCK_IDIOM_FLOCK), "flock");
	cr_expect_str_eq(lock_idiom_name(LOCK_IDIOM_FCNTL), "fcntl");
	cr_expect_str_eq(lock_idiom_name(LOCK_IDIOM_PRESENCE), "presence");
}
