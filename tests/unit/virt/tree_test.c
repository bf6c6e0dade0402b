/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/instance.h"

#define ALICE 1000
#define BOB 1001

static void setup(void)
{
	instance_make("/tmp", "/var/tmp");
}

TestSuite(tree, .init = setup, .fini = instance_free);

static void expect_list(const char *path, uid_t uid, const char *wanted)
{
	char *list = instance_list(path, uid);

	cr_assert(list, "%s cannot be listed", path);
	cr_assert(strcmp(list, wanted) == 0, "%s: %s", path, list);
	free(list);
}

static struct virt_entry resolve(const char *path, uid_t uid)
{
	struct virt_entry entry;

	cr_assert_eq(virt_resolve(&instance, path, uid, &entry), 0, "%s", path);
	return entry;
}

static void expect_error(const char *path, uid_t uid, int error)
{
	struct virt_entry entry;

	cr_assert_eq(virt_resolve(&instance, path, uid, &entry), error, "%s", path);
}

Test(tree, the_root_holds_the_reserved_names_and_the_shares)
{
	expect_list("", ALICE,
		    "ctl events last-conflict.json locks/ locks.json metrics self@ sessions/ "
		    "sessions.json status.json tmp@ var/ whoami.json ");
	expect_list("var", ALICE, "tmp@ ");
}

Test(tree, a_share_is_a_link_at_its_path_and_never_cached)
{
	cr_assert_eq(resolve("tmp", ALICE).type, VIRT_LINK);
	cr_assert_not(resolve("tmp", ALICE).stable);
	cr_assert_eq(resolve("var", ALICE).type, VIRT_DIR);
	cr_assert_eq(resolve("var/tmp", ALICE).type, VIRT_LINK);
	cr_assert_eq(resolve("self", ALICE).mode, S_IFLNK | 0777);
	expect_error("var/tmp/x", ALICE, -ENOTDIR);
	expect_error("tmp/x", ALICE, -ENOTDIR);
	expect_error("tmpx", ALICE, -ENOENT);
	expect_error("va", ALICE, -ENOENT);
}

Test(tree, files_have_their_modes_and_hold_nothing)
{
	cr_assert_eq(resolve("status.json", ALICE).type, VIRT_FILE);
	cr_assert_eq(resolve("status.json", ALICE).mode, S_IFREG | 0444);
	cr_assert_eq(resolve("ctl", ALICE).type, VIRT_CTL);
	cr_assert_eq(resolve("ctl", ALICE).mode, S_IFREG | 0666);
	cr_assert_eq(resolve("events", ALICE).type, VIRT_EVENTS);
	expect_error("status.json/x", ALICE, -ENOTDIR);
	expect_error("self/x", ALICE, -ENOTDIR);
	cr_assert_null(instance_list("ctl", ALICE));
}

Test(tree, a_session_is_a_private_directory_with_a_view_per_share)
{
	uint32_t session = instance_session(ALICE, "build-1");
	struct virt_entry entry = resolve("sessions/1000/build-1", ALICE);

	cr_assert_eq(entry.mode, S_IFDIR | 0700);
	cr_assert_eq(entry.uid, ALICE);
	cr_assert_eq(entry.session, session);
	cr_assert(entry.stable);
	expect_list("sessions/1000/build-1", ALICE, "tmp/ var/ ");
	expect_list("sessions/1000/build-1/var", ALICE, "tmp/ ");
	entry = resolve("sessions/1000/build-1/var/tmp", ALICE);
	cr_assert_eq(entry.type, VIRT_VIEW);
	cr_assert_eq(entry.session, session);
	cr_assert_eq(entry.share, 1);
	cr_assert_eq(resolve("sessions/1000/build-1/var", ALICE).type, VIRT_DIR);
}

Test(tree, looking_up_a_session_makes_none)
{
	instance_session(ALICE, "other");
	expect_error("sessions/1000/build-1", ALICE, -ENOENT);
	expect_error("sessions/1000/build-1/tmp", ALICE, -ENOENT);
	cr_assert_eq(registry_count(instance.registry), 1);
}

Test(tree, a_listing_shows_a_user_himself_and_root_all)
{
	instance_session(ALICE, "b");
	instance_session(ALICE, "a");
	instance_session(BOB, "a");
	expect_list("sessions", ALICE, "1000/ ");
	expect_list("sessions", 0, "1000/ 1001/ ");
	expect_list("sessions/1000", ALICE, "a/ b/ ");
	cr_assert_null(instance_list("sessions/1000", BOB));
	expect_list("sessions/1000", 0, "a/ b/ ");
}

Test(tree, a_user_s_directory_is_kept_private_by_its_bits_and_so_the_same_for_all)
{
	instance_session(ALICE, "a");
	cr_assert_eq(resolve("sessions/1000", BOB).mode, S_IFDIR | 0700);
	cr_assert_eq(resolve("sessions/1000", BOB).uid, ALICE);
	cr_assert(resolve("sessions/1000", BOB).stable);
	expect_error("sessions/1000/a", BOB, -ENOENT);
	expect_error("sessions/1000/a/tmp", BOB, -ENOENT);
}

Test(tree, a_user_s_own_directory_is_there_without_sessions)
{
	cr_assert_eq(resolve("sessions/1001", BOB).uid, BOB);
	expect_list("sessions/1001", BOB, "");
	expect_error("sessions/1001", ALICE, -ENOENT);
}

Test(tree, only_a_uid_and_an_id_in_their_one_form_are_names)
{
	static const char *const none[] = {"sessions/01000",      "sessions/+1000",
					   "sessions/1000x",      "sessions/4294967295",
					   "sessions/1000/../a",  "sessions/-1",
					   "sessions/1000/.a",    "sessions/1000/a b",
					   "sessions/99999999999"};

	instance_session(ALICE, "a");
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		expect_error(none[i], ALICE, -ENOENT);
}
