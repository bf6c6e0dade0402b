/* SPDX-License-Identifier: MIT */
#include "node/handle.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

static struct arena *arena;
static struct handles *handles;

static void setup(void)
{
	static const struct arena_table_spec spec = {"handles", sizeof(struct handle_record), 4};

	cr_assert_eq(arena_new(&spec, 1, &arena), 0);
	cr_assert_eq(arena_attach(arena), 0);
	cr_assert_eq(handles_new(arena_table(arena, 0), &handles), 0);
}

static void teardown(void)
{
	handles_free(handles);
	arena_free_all(arena);
}

TestSuite(handle, .init = setup, .fini = teardown);

static uint64_t open_one(uint32_t node)
{
	const struct handle_record like = {.node = node, .flags = O_RDWR, .uid = 5};
	uint64_t fh;

	cr_assert_eq(handle_open(handles, &like, HANDLE_STATE_FILE, &fh), 0);
	return fh;
}

Test(handle, a_handle_is_what_was_opened)
{
	uint64_t fh = open_one(7);
	const struct handle_record *record = handle_at(handles, fh);

	cr_assert(record && record->node == 7 && record->flags == O_RDWR && record->uid == 5);
	cr_assert_eq(record->head.state, HANDLE_STATE_FILE);
	cr_assert_eq(handles_count(handles), 1);
}

Test(handle, a_closed_handle_is_none_and_its_number_does_not_come_back)
{
	uint64_t first = open_one(7), second;

	handle_close(handles, first);
	cr_assert_null(handle_at(handles, first));
	cr_assert_null(handle_private(handles, first));
	second = open_one(8);
	cr_assert_eq((uint32_t)first, (uint32_t)second);
	cr_assert_neq(first, second);
	cr_assert_null(handle_at(handles, first));
	handle_close(handles, first);
	cr_assert_not_null(handle_at(handles, second));
}

Test(handle, a_number_that_never_was_is_none)
{
	cr_assert_null(handle_at(handles, 0));
	cr_assert_null(handle_at(handles, 5));
	cr_assert_null(handle_at(handles, 1ull << 32 | 1));
	cr_assert_null(handle_at(handles, UINT64_MAX));
	handle_close(handles, UINT64_MAX);
}

Test(handle, a_full_table_is_said)
{
	const struct handle_record like = {0};
	uint64_t fh;

	cr_assert_eq(handle_room(handles, 0), 0);
	for (uint32_t i = 0; i < 4; i++)
		open_one(i);
	cr_assert_eq(handle_room(handles, 0), -ENFILE);
	cr_assert_eq(handle_room(handles, 1000), -ENFILE);
	cr_assert_eq(handle_open(handles, &like, HANDLE_STATE_DIR, &fh), -ENFILE);
	fh = handle_next(handles, 0);
	handle_close(handles, fh);
	cr_assert_eq(handle_room(handles, 1000), 0);
	cr_assert_eq(handle_open(handles, &like, HANDLE_STATE_DIR, &fh), 0);
}

Test(handle, closing_gives_up_what_the_private_part_holds)
{
	uint64_t fh = open_one(7);
	struct handle_private *private = handle_private(handles, fh);
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	cr_assert(private && private->fd == -1);
	private->fd = fd;
	buf_add_str(&private->text, "text");
	cr_assert_eq(handle_private(handles, fh), private);
	handle_close(handles, fh);
	cr_assert_eq(fcntl(fd, F_GETFD), -1);
}

Test(handle, a_private_part_does_not_pass_to_the_next_handle)
{
	uint64_t fh = open_one(7);

	handle_private(handles, fh)->listed = true;
	handle_close(handles, fh);
	fh = open_one(8);
	cr_assert_not(handle_private(handles, fh)->listed);
}

Test(handle, all_open_handles_are_walked)
{
	uint64_t a = open_one(1), b = open_one(2), c = open_one(3), at;

	handle_close(handles, b);
	at = handle_next(handles, 0);
	cr_assert_eq(at, a);
	at = handle_next(handles, at);
	cr_assert_eq(at, c);
	cr_assert_eq(handle_next(handles, at), 0);
}

Test(handle, a_new_worker_finds_the_records_and_no_private_parts)
{
	uint64_t fh = open_one(7);

	handle_private(handles, fh)->listed = true;
	handles_free(handles);
	cr_assert_eq(arena_attach(arena), 0);
	cr_assert_eq(handles_new(arena_table(arena, 0), &handles), 0);
	cr_assert_eq(handle_at(handles, fh)->node, 7);
	cr_assert_not(handle_private(handles, fh)->listed);
}

static void *take_private(void *arg)
{
	return handle_private(handles, *(const uint64_t *)arg);
}

Test(handle, threads_get_one_private_part)
{
	pthread_t threads[4];
	void *parts[4];
	uint64_t fh = open_one(7);

	for (int i = 0; i < 4; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, take_private, &fh), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], &parts[i]);
	for (int i = 0; i < 4; i++)
		cr_assert_eq(parts[i], parts[0]);
}
