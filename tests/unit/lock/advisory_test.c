/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>

#include "lock/advisory.h"

static const struct arena_table_spec specs[] = {
	{"advisory", sizeof(struct advisory_record), ADVISORY_MAX}};
static struct arena *arena;
static struct advisory *table;
static int woken;

static void on_woken(void *context)
{
	(void)context;
	woken++;
}

static void start(void)
{
	cr_assert_eq(arena_attach(arena), 0);
	cr_assert_eq(advisory_new(arena_table(arena, 0), on_woken, NULL, &table), 0);
}

static void set_up(void)
{
	cr_assert_eq(arena_new(specs, 1, &arena), 0);
	start();
}

static void tear_down(void)
{
	advisory_free(table);
	arena_free_all(arena);
}

/* As after a kill of the worker: nothing but the arena is left. */
static void restart(void)
{
	advisory_free(table);
	start();
}

TestSuite(advisory, .init = set_up, .fini = tear_down, .timeout = 30);

/* File 1 of session 1; owner and handle have one number. */
static struct advisory_request request(enum advisory_kind kind, uint64_t owner,
				       enum range_type type, uint64_t start_byte, uint64_t end_byte)
{
	return (struct advisory_request){.key = {.session = 1, .ino = 1},
					 .range = {start_byte, end_byte, type},
					 .kind = kind,
					 .owner = owner,
					 .handle = owner,
					 .process = {.pid = (pid_t)(1000 + owner)}};
}

static int set(enum advisory_kind kind, uint64_t owner, enum range_type type, uint64_t start_byte,
	       uint64_t end_byte)
{
	struct advisory_request r = request(kind, owner, type, start_byte, end_byte);

	return advisory_set(table, &r, NULL);
}

static int posix(uint64_t owner, enum range_type type, uint64_t start_byte, uint64_t end_byte)
{
	return set(ADVISORY_POSIX, owner, type, start_byte, end_byte);
}

static int wait_for(struct advisory_waiter *waiter, const struct advisory_request *r,
		    uint64_t order)
{
	*waiter = (struct advisory_waiter){.order = order};
	return advisory_set(table, r, waiter);
}

static bool drop(enum advisory_kind kind, uint64_t owner)
{
	struct advisory_request r = request(kind, owner, RANGE_NONE, 0, 0);
	bool had;

	cr_assert_eq(advisory_close(table, &r, &had), ADVISORY_DONE);
	return had;
}

Test(advisory, writers_exclude_and_readers_share)
{
	cr_expect_eq(posix(1, RANGE_READ, 0, 9), ADVISORY_DONE);
	cr_expect_eq(posix(2, RANGE_READ, 5, 20), ADVISORY_DONE);
	cr_expect_eq(posix(2, RANGE_WRITE, 9, 9), ADVISORY_HELD);
	cr_expect_eq(posix(2, RANGE_WRITE, 10, 20), ADVISORY_DONE);
	cr_expect_eq(posix(1, RANGE_READ, 0, RANGE_END), ADVISORY_HELD);
	cr_expect_eq(posix(1, RANGE_READ, 0, 9), ADVISORY_DONE);
}

Test(advisory, open_files_and_processes_exclude_each_other_and_flock_neither)
{
	cr_expect_eq(posix(1, RANGE_WRITE, 0, 9), ADVISORY_DONE);
	cr_expect_eq(set(ADVISORY_OFD, 1, RANGE_WRITE, 0, 9), ADVISORY_HELD);
	cr_expect_eq(set(ADVISORY_FLOCK, 1, RANGE_WRITE, 0, RANGE_END), ADVISORY_DONE);
	cr_expect_eq(set(ADVISORY_FLOCK, 2, RANGE_READ, 0, RANGE_END), ADVISORY_HELD);
}

Test(advisory, other_files_other_sessions_and_the_lower_are_apart)
{
	struct advisory_request r = request(ADVISORY_POSIX, 2, RANGE_WRITE, 0, 9);

	cr_expect_eq(posix(1, RANGE_WRITE, 0, 9), ADVISORY_DONE);
	r.key.ino = 2;
	cr_expect_eq(advisory_set(table, &r, NULL), ADVISORY_DONE);
	r.key = (struct advisory_key){.session = 2, .ino = 1};
	cr_expect_eq(advisory_set(table, &r, NULL), ADVISORY_DONE);
	r.key = (struct advisory_key){.session = 0, .dev = 1, .ino = 1};
	cr_expect_eq(advisory_set(table, &r, NULL), ADVISORY_CARRY);
}

/* The number of an open file's owner is its address, which is used again before it is released. */
Test(advisory, an_open_file_is_known_by_its_handle_not_by_its_owner)
{
	struct advisory_request r = request(ADVISORY_OFD, 1, RANGE_WRITE, 0, 9);

	cr_expect_eq(advisory_set(table, &r, NULL), ADVISORY_DONE);
	r.handle = 2;
	cr_expect_eq(advisory_set(table, &r, NULL), ADVISORY_HELD);
}

Test(advisory, a_process_is_known_by_its_owner_whatever_the_handle)
{
	struct advisory_request r = request(ADVISORY_POSIX, 1, RANGE_WRITE, 0, 9);

	cr_expect_eq(advisory_set(table, &r, NULL), ADVISORY_DONE);
	r.handle = 7;
	r.range = (struct range){10, 19, RANGE_WRITE};
	cr_expect_eq(advisory_set(table, &r, NULL), ADVISORY_DONE);
	cr_expect_eq(advisory_count(table), 1);
	cr_expect(drop(ADVISORY_POSIX, 1));
	cr_expect_eq(advisory_count(table), 0);
	cr_expect_not(drop(ADVISORY_POSIX, 1));
}

Test(advisory, unlocking_the_middle_leaves_both_ends)
{
	cr_expect_eq(posix(1, RANGE_WRITE, 0, RANGE_END), ADVISORY_DONE);
	cr_expect_eq(posix(1, RANGE_NONE, 10, 19), ADVISORY_DONE);
	cr_expect_eq(posix(2, RANGE_WRITE, 10, 19), ADVISORY_DONE);
	cr_expect_eq(posix(3, RANGE_READ, 9, 9), ADVISORY_HELD);
	cr_expect_eq(posix(3, RANGE_READ, 20, 20), ADVISORY_HELD);
	cr_expect_eq(advisory_count(table), 3);
}

Test(advisory, locks_outlive_the_worker)
{
	cr_expect_eq(posix(1, RANGE_WRITE, 0, 9), ADVISORY_DONE);
	cr_expect_eq(set(ADVISORY_FLOCK, 2, RANGE_READ, 0, RANGE_END), ADVISORY_DONE);
	restart();
	cr_expect_eq(posix(2, RANGE_READ, 9, 9), ADVISORY_HELD);
	cr_expect_eq(set(ADVISORY_FLOCK, 3, RANGE_WRITE, 0, RANGE_END), ADVISORY_HELD);
	cr_expect_eq(posix(1, RANGE_NONE, 0, RANGE_END), ADVISORY_DONE);
	cr_expect_eq(posix(2, RANGE_READ, 9, 9), ADVISORY_DONE);
}

Test(advisory, what_f_getlk_tells_is_the_other_s_lock)
{
	struct advisory_request r = request(ADVISORY_POSIX, 2, RANGE_READ, 0, RANGE_END);
	struct advisory_record record;

	cr_expect_eq(posix(1, RANGE_WRITE, 10, 19), ADVISORY_DONE);
	cr_assert(advisory_test(table, &r, &record));
	cr_expect_eq(record.pid, 1001);
	cr_expect_eq(record.start, 10);
	cr_expect_eq(record.end, 19);
	cr_expect_eq(record.type, RANGE_WRITE);
	/* The parts of a lock are of who set it, and the first of several is told. */
	r = request(ADVISORY_POSIX, 1, RANGE_NONE, 12, 13);
	r.process.pid = 0;
	cr_expect_eq(advisory_set(table, &r, NULL), ADVISORY_DONE);
	r = request(ADVISORY_POSIX, 2, RANGE_READ, 0, RANGE_END);
	cr_assert(advisory_test(table, &r, &record));
	cr_expect_eq(record.start, 10);
	cr_expect_eq(record.end, 11);
	cr_expect_eq(record.pid, 1001);
	r.owner = 1;
	cr_expect_not(advisory_test(table, &r, &record));
}

Test(advisory, a_release_grants_in_the_order_of_the_calls)
{
	struct advisory_request r[3];
	struct advisory_waiter waiters[3];
	const uint64_t order[3] = {30, 10, 20};

	cr_expect_eq(posix(9, RANGE_WRITE, 0, 9), ADVISORY_DONE);
	for (uint64_t i = 0; i < 3; i++) {
		r[i] = request(ADVISORY_POSIX, i + 1, RANGE_WRITE, 0, 9);
		cr_expect_eq(wait_for(&waiters[i], &r[i], order[i]), ADVISORY_HELD);
		cr_expect_not(waiters[i].due);
	}
	cr_expect(drop(ADVISORY_POSIX, 9));
	cr_expect_eq(woken, 1);
	cr_expect(waiters[1].due && !waiters[0].due && !waiters[2].due);
	/* It is his already: nobody slips in. */
	cr_expect_eq(posix(9, RANGE_WRITE, 0, 9), ADVISORY_HELD);
	cr_expect_eq(advisory_resume(table, &waiters[1], false), ADVISORY_DONE);
	cr_expect_eq(posix(2, RANGE_NONE, 0, 9), ADVISORY_DONE);
	cr_expect(waiters[2].due && !waiters[0].due);
	/* The last is interrupted. */
	cr_expect_eq(advisory_resume(table, &waiters[0], true), ADVISORY_HELD);
	cr_expect(drop(ADVISORY_POSIX, 3));
	cr_expect_eq(advisory_count(table), 0);
}

Test(advisory, several_waiters_that_agree_are_granted_at_once)
{
	struct advisory_request a = request(ADVISORY_POSIX, 1, RANGE_READ, 0, 9);
	struct advisory_request b = request(ADVISORY_OFD, 2, RANGE_READ, 5, 9);
	struct advisory_request c = request(ADVISORY_POSIX, 3, RANGE_WRITE, 10, 19);
	struct advisory_waiter waiters[3];

	cr_expect_eq(posix(9, RANGE_WRITE, 0, RANGE_END), ADVISORY_DONE);
	cr_expect_eq(wait_for(&waiters[0], &a, 1), ADVISORY_HELD);
	cr_expect_eq(wait_for(&waiters[1], &b, 2), ADVISORY_HELD);
	cr_expect_eq(wait_for(&waiters[2], &c, 3), ADVISORY_HELD);
	/* A weaker lock is a release. */
	cr_expect_eq(posix(9, RANGE_READ, 0, RANGE_END), ADVISORY_DONE);
	cr_expect(waiters[0].due && waiters[1].due && !waiters[2].due);
	cr_expect_eq(posix(9, RANGE_NONE, 0, RANGE_END), ADVISORY_DONE);
	cr_expect(waiters[2].due);
}

Test(advisory, a_waiter_that_was_granted_cannot_be_cancelled_any_more)
{
	struct advisory_request r = request(ADVISORY_POSIX, 1, RANGE_WRITE, 0, 9);
	struct advisory_waiter waiter;

	cr_expect_eq(posix(9, RANGE_WRITE, 0, 9), ADVISORY_DONE);
	cr_expect_eq(wait_for(&waiter, &r, 1), ADVISORY_HELD);
	cr_expect(drop(ADVISORY_POSIX, 9));
	cr_expect_eq(advisory_resume(table, &waiter, true), ADVISORY_DONE);
}

Test(advisory, a_wait_that_closes_a_cycle_is_refused)
{
	struct advisory_request r = request(ADVISORY_POSIX, 1, RANGE_WRITE, 1, 1);
	struct advisory_request second = request(ADVISORY_POSIX, 2, RANGE_WRITE, 2, 2);
	struct advisory_request third = request(ADVISORY_POSIX, 3, RANGE_WRITE, 0, 0);
	struct advisory_waiter waiters[3];

	for (uint64_t i = 0; i < 3; i++)
		cr_expect_eq(posix(i + 1, RANGE_WRITE, i, i), ADVISORY_DONE);
	cr_expect_eq(wait_for(&waiters[0], &r, 1), ADVISORY_HELD);
	cr_expect_eq(wait_for(&waiters[1], &second, 2), ADVISORY_HELD);
	cr_expect_eq(wait_for(&waiters[2], &third, 3), ADVISORY_DEADLOCK);
	/* One that gives up by itself closes none, nor does one that does not wait. */
	waiters[2] = (struct advisory_waiter){.order = 3, .finite = true};
	cr_expect_eq(advisory_set(table, &third, &waiters[2]), ADVISORY_HELD);
	cr_expect_eq(advisory_set(table, &third, NULL), ADVISORY_HELD);
}

Test(advisory, an_open_file_s_wait_closes_no_cycle)
{
	struct advisory_request r = request(ADVISORY_OFD, 1, RANGE_WRITE, 1, 1);
	struct advisory_request second = request(ADVISORY_OFD, 2, RANGE_WRITE, 0, 0);
	struct advisory_waiter waiters[2];

	cr_expect_eq(set(ADVISORY_OFD, 1, RANGE_WRITE, 0, 0), ADVISORY_DONE);
	cr_expect_eq(set(ADVISORY_OFD, 2, RANGE_WRITE, 1, 1), ADVISORY_DONE);
	cr_expect_eq(wait_for(&waiters[0], &r, 1), ADVISORY_HELD);
	cr_expect_eq(wait_for(&waiters[1], &second, 2), ADVISORY_HELD);
}

Test(advisory, a_flock_that_cannot_be_changed_is_to_be_given_up_first)
{
	cr_expect_eq(set(ADVISORY_FLOCK, 1, RANGE_READ, 0, RANGE_END), ADVISORY_DONE);
	cr_expect_eq(set(ADVISORY_FLOCK, 2, RANGE_READ, 0, RANGE_END), ADVISORY_DONE);
	cr_expect_eq(set(ADVISORY_FLOCK, 1, RANGE_WRITE, 0, RANGE_END), ADVISORY_CONVERT);
	cr_expect_eq(set(ADVISORY_FLOCK, 1, RANGE_NONE, 0, RANGE_END), ADVISORY_DONE);
	cr_expect_eq(set(ADVISORY_FLOCK, 1, RANGE_WRITE, 0, RANGE_END), ADVISORY_HELD);
	cr_expect_eq(set(ADVISORY_FLOCK, 2, RANGE_WRITE, 0, RANGE_END), ADVISORY_DONE);
	cr_expect_eq(set(ADVISORY_FLOCK, 2, RANGE_READ, 0, RANGE_END), ADVISORY_DONE);
	cr_expect_eq(advisory_count(table), 1);
}

Test(advisory, a_closed_handle_takes_all_that_was_locked_by_it)
{
	struct advisory_request by_posix = request(ADVISORY_POSIX, 5, RANGE_READ, 0, 9);
	struct advisory_request closing;
	int owners = 0;
	bool had;

	by_posix.handle = 1;
	cr_expect_eq(set(ADVISORY_OFD, 1, RANGE_READ, 0, 9), ADVISORY_DONE);
	cr_expect_eq(set(ADVISORY_OFD, 1, RANGE_READ, 20, 29), ADVISORY_DONE);
	cr_expect_eq(set(ADVISORY_FLOCK, 1, RANGE_WRITE, 0, RANGE_END), ADVISORY_DONE);
	cr_expect_eq(advisory_set(table, &by_posix, NULL), ADVISORY_DONE);
	cr_expect_eq(posix(6, RANGE_READ, 0, 9), ADVISORY_DONE);
	for (; advisory_of_handle(table, 1, &closing); owners++) {
		cr_expect_eq(advisory_close(table, &closing, &had), ADVISORY_DONE);
		cr_expect(had);
	}
	cr_expect_eq(owners, 3);
	cr_expect_eq(advisory_count(table), 1);
}

/* A file of the lower: the call is between its two steps. */
static struct advisory_request carried(uint64_t owner, enum range_type type)
{
	struct advisory_request r = request(ADVISORY_POSIX, owner, type, 0, 9);

	r.key = (struct advisory_key){.dev = 1, .ino = 1};
	return r;
}

Test(advisory, what_is_being_carried_excludes_others_and_the_owner_s_next_call)
{
	struct advisory_request a = carried(1, RANGE_WRITE), b = carried(2, RANGE_READ);
	struct advisory_waiter waiter;

	cr_expect_eq(advisory_set(table, &a, NULL), ADVISORY_CARRY);
	cr_expect_eq(advisory_set(table, &b, NULL), ADVISORY_HELD);
	cr_expect_eq(wait_for(&waiter, &b, 1), ADVISORY_HELD);
	cr_expect_eq(advisory_set(table, &a, NULL), ADVISORY_BUSY);
	cr_expect_not(waiter.due);
	/* An outsider has it. */
	cr_expect_eq(advisory_settle(table, &a, -EAGAIN, NULL, false), -EAGAIN);
	cr_expect(waiter.due);
	cr_expect_eq(advisory_resume(table, &waiter, false), ADVISORY_CARRY);
	cr_expect_eq(advisory_settle(table, &b, 0, NULL, false), 0);
	cr_expect_eq(advisory_set(table, &a, NULL), ADVISORY_HELD);
}

Test(advisory, who_waits_for_an_outsider_is_asked_now_and_then)
{
	struct advisory_request a = carried(1, RANGE_WRITE), b = carried(2, RANGE_WRITE);
	struct advisory_waiter first = {.order = 1}, second = {.order = 2};

	cr_expect_eq(advisory_set(table, &a, &first), ADVISORY_CARRY);
	cr_expect_eq(advisory_settle(table, &a, -EAGAIN, &first, false), -EAGAIN);
	cr_expect(first.due);
	cr_expect_eq(advisory_set(table, &b, &second), ADVISORY_CARRY);
	woken = 0;
	cr_expect_eq(advisory_settle(table, &b, -EAGAIN, &second, false), -EAGAIN);
	cr_expect_eq(woken, 0, "two who wait for an outsider wake each other for ever");
	cr_expect_eq(advisory_resume(table, &first, false), ADVISORY_CARRY);
	cr_expect_eq(advisory_resume(table, &second, false), ADVISORY_HELD);
	cr_expect_not(second.due);
	cr_expect_eq(advisory_settle(table, &a, 0, &first, false), 0);
	cr_expect_eq(advisory_resume(table, &second, true), ADVISORY_HELD);
}

Test(advisory, a_close_in_the_middle_of_a_call_comes_after_it)
{
	struct advisory_request a = carried(1, RANGE_WRITE), closing = a;
	bool had;

	cr_expect_eq(advisory_set(table, &a, NULL), ADVISORY_CARRY);
	cr_expect(advisory_keeps(table, &a, 0));
	cr_expect_eq(advisory_close(table, &closing, &had), ADVISORY_BUSY);
	cr_expect(had);
	cr_expect_eq(advisory_settle(table, &a, 0, NULL, true), ADVISORY_BUSY);
	cr_expect_not(advisory_keeps(table, &a, 0));
	cr_expect_eq(advisory_settle(table, &a, 0, NULL, false), 0);
	cr_expect_eq(advisory_count(table), 0);
}

Test(advisory, what_carries_an_owner_s_locks_is_kept_while_he_has_any)
{
	struct advisory_request a = carried(1, RANGE_WRITE), part = carried(1, RANGE_NONE);
	bool had;

	part.range.end = 4;
	cr_expect_eq(advisory_set(table, &a, NULL), ADVISORY_CARRY);
	cr_expect(advisory_keeps(table, &a, 0));
	cr_expect_not(advisory_keeps(table, &a, -EAGAIN));
	cr_expect_eq(advisory_settle(table, &a, 0, NULL, true), 0);
	cr_expect_eq(advisory_set(table, &part, NULL), ADVISORY_CARRY);
	cr_expect(advisory_keeps(table, &part, 0));
	cr_expect_eq(advisory_settle(table, &part, 0, NULL, true), 0);
	cr_expect(advisory_holds(table, &a));
	cr_expect_eq(advisory_close(table, &a, &had), ADVISORY_CARRY);
	cr_expect_not(advisory_keeps(table, &a, 0));
	cr_expect(advisory_holds(table, &a), "it goes before what carries it is closed");
	cr_expect_eq(advisory_settle(table, &a, 0, NULL, false), 0);
	cr_expect_eq(advisory_close(table, &a, &had), ADVISORY_DONE);
	cr_expect_not(had);
	cr_expect_eq(advisory_count(table), 0);
}

Test(advisory, a_call_that_was_being_carried_when_the_worker_died_is_forgotten)
{
	struct advisory_request a = carried(1, RANGE_WRITE), b = carried(2, RANGE_WRITE);

	cr_expect_eq(advisory_set(table, &a, NULL), ADVISORY_CARRY);
	restart();
	cr_expect_eq(advisory_set(table, &b, NULL), ADVISORY_CARRY);
}

static bool is_handle_1(uint64_t handle, void *context)
{
	(void)context;
	return handle == 1;
}

Test(advisory, a_file_that_becomes_another_takes_its_own_locks_along)
{
	struct advisory_key from = {.session = 1, .ino = 1}, to = {.session = 1, .ino = 2};
	struct advisory_request at_new = request(ADVISORY_POSIX, 3, RANGE_WRITE, 0, 9);
	struct advisory_request waits = request(ADVISORY_POSIX, 4, RANGE_WRITE, 20, 29);
	struct advisory_waiter waiter;

	waits.handle = 1;
	at_new.key = to;
	cr_expect_eq(posix(1, RANGE_READ, 0, 9), ADVISORY_DONE);
	cr_expect_eq(posix(2, RANGE_READ, 0, 29), ADVISORY_DONE);
	cr_expect_eq(wait_for(&waiter, &waits, 1), ADVISORY_HELD);
	advisory_move(table, &from, &to, is_handle_1, NULL);
	cr_expect_eq(advisory_set(table, &at_new, NULL), ADVISORY_HELD);
	cr_expect_eq(posix(3, RANGE_WRITE, 0, 9), ADVISORY_HELD); /* by the second handle */
	cr_expect_eq(advisory_resume(table, &waiter, false), ADVISORY_DONE);
	cr_expect(drop(ADVISORY_POSIX, 2));
	cr_expect_eq(posix(3, RANGE_WRITE, 0, 29), ADVISORY_DONE);
}

Test(advisory, a_file_and_a_user_have_a_limit_and_the_rest_goes_on)
{
	struct advisory_request other = request(ADVISORY_POSIX, 1, RANGE_WRITE, 0, 0);
	uint64_t n = 0;

	while (posix(1, RANGE_WRITE, 2 * n, 2 * n) == ADVISORY_DONE)
		n++;
	cr_expect_eq(n, ADVISORY_PER_FILE_MAX);
	cr_expect_eq(posix(1, RANGE_WRITE, 2 * n, 2 * n), -ENOLCK);
	cr_expect_eq(posix(2, RANGE_READ, 1, 1), -ENOLCK);
	/* What needs no more room works. */
	cr_expect_eq(posix(1, RANGE_NONE, 0, 0), ADVISORY_DONE);
	cr_expect_eq(posix(2, RANGE_READ, 1, 1), ADVISORY_DONE);
	cr_expect_eq(posix(1, RANGE_NONE, 0, RANGE_END), ADVISORY_DONE);
	cr_expect_eq(advisory_count(table), 1);
	cr_expect(drop(ADVISORY_POSIX, 2));

	other.uid = 7;
	for (n = 0;; n++) {
		other.key.ino = other.handle = 10 + n / 32;
		other.range.start = other.range.end = 2 * n;
		if (advisory_set(table, &other, NULL) != ADVISORY_DONE)
			break;
	}
	cr_expect_eq(n, ADVISORY_PER_USER_MAX);
	cr_expect_eq(posix(1, RANGE_WRITE, 0, 0), ADVISORY_DONE);
}

Test(advisory, a_lock_that_finds_no_room_leaves_what_was_there)
{
	struct advisory_request r = request(ADVISORY_POSIX, 1, RANGE_WRITE, 0, 9);

	r.uid = 7;
	for (uint64_t n = 0; n < ADVISORY_PER_USER_MAX - 1; n++) {
		r.key.ino = r.handle = 10 + n / 32;
		r.range.start = r.range.end = 2 * n;
		cr_assert_eq(advisory_set(table, &r, NULL), ADVISORY_DONE);
	}
	r.key.ino = r.handle = 1;
	r.range = (struct range){0, 99, RANGE_WRITE};
	cr_expect_eq(advisory_set(table, &r, NULL), ADVISORY_DONE);
	r.range = (struct range){40, 59, RANGE_NONE};
	cr_expect_eq(advisory_set(table, &r, NULL), -ENOLCK);
	cr_expect_eq(posix(2, RANGE_READ, 50, 50), ADVISORY_HELD);
	cr_expect_eq(posix(2, RANGE_READ, 99, 99), ADVISORY_HELD);
	cr_expect_eq(advisory_count(table), ADVISORY_PER_USER_MAX);
}
