/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sys.h"
#include "support/instance.h"

#define ALICE 1000
#define BOB 1001

static uint32_t session;

static void setup(void)
{
	instance_make("/tmp", "/var/tmp");
	session = instance_session(ALICE, "build-1");
}

TestSuite(locks_tree, .init = setup, .fini = instance_free);

static void expect_list(const char *path, uid_t uid, const char *wanted)
{
	char *list = instance_list(path, uid);

	cr_assert(list, "%s cannot be listed", path);
	cr_assert(strcmp(list, wanted) == 0, "%s: %s", path, list);
	free(list);
}

static int resolve(const char *path, uid_t uid, struct virt_entry *entry)
{
	return virt_resolve(&instance, path, uid, entry);
}

Test(locks_tree, shares_are_there_without_locks)
{
	expect_list("locks", ALICE, "tmp/ var/ ");
	expect_list("locks/var", ALICE, "tmp/ ");
	expect_list("locks/var/tmp", ALICE, "");
}

Test(locks_tree, a_held_lock_is_a_file_at_its_path)
{
	struct virt_entry entry;

	instance_lock(0, 0, "tool.lock", session, 0);
	instance_lock(0, 0, "a/b/deep.lock", session, 0);
	expect_list("locks/tmp", ALICE, "a/ tool.lock.json ");
	expect_list("locks/tmp/a", ALICE, "b/ ");
	expect_list("locks/tmp/a/b", ALICE, "deep.lock.json ");
	cr_assert_eq(resolve("locks/tmp/tool.lock.json", ALICE, &entry), 0);
	cr_assert_eq(entry.type, VIRT_FILE);
	cr_assert_not(entry.stable);
	cr_assert_eq(resolve("locks/tmp/a/b", ALICE, &entry), 0);
	cr_assert_eq(entry.type, VIRT_DIR);
	cr_assert_not(entry.stable);
	cr_assert_eq(resolve("locks/tmp/tool.lock", ALICE, &entry), -ENOENT);
	cr_assert_eq(resolve("locks/tmp/tool", ALICE, &entry), -ENOENT);
	cr_assert_eq(resolve("locks/tmp/c", ALICE, &entry), -ENOENT);
}

Test(locks_tree, the_file_tells_who_holds)
{
	json_t *json, *lock;

	instance_lock(1, 0, "tool.lock", session, 0);
	json = instance_json("locks/var/tmp/tool.lock.json", getpid(), ALICE);
	cr_assert(json);
	lock = json_object_get(json, "lock");
	cr_assert_str_eq(json_string_value(json_object_get(json, "code")), "LOCK_HELD");
	cr_assert_str_eq(json_string_value(json_object_get(lock, "path")), "/var/tmp/tool.lock");
	json_decref(json);
	cr_assert_null(instance_json("locks/var/tmp/other.lock.json", getpid(), ALICE));
	cr_assert_null(instance_json("locks/var/tmp", getpid(), ALICE));
}

Test(locks_tree, a_released_lock_has_no_file)
{
	const struct lock_key key = {.share = 0, .path = "tool.lock"};
	const struct actor actor = {.session = session, .pid = getpid(), .uid = ALICE};
	struct virt_entry entry;

	instance_lock(0, 0, "tool.lock", session, 0);
	cr_assert_eq(unlinkat(world.shares[0].lower_fd, "tool.lock", 0), 0);
	lock_removed(instance.locks, &key, &actor);
	cr_assert_eq(resolve("locks/tmp/tool.lock.json", ALICE, &entry), -ENOENT);
	expect_list("locks/tmp", ALICE, "");
}

Test(locks_tree, a_name_too_long_is_cut_and_ends_in_its_hash)
{
	char name[256], path[300];
	char *list;
	size_t len;
	json_t *json;

	memset(name, 'n', 255);
	name[255] = '\0';
	instance_lock(0, 0, name, session, 0);
	name[254] = 'x';
	instance_lock(0, 0, name, session, 0);
	list = instance_list("locks/tmp", ALICE);
	len = strcspn(list, " ");
	cr_assert_eq(len, 255);
	cr_assert_str_eq(list + len - 5 + len + 1, ".json ");
	cr_assert(strncmp(list, list + len + 1, len) != 0);
	list[len] = '\0';
	snprintf(path, sizeof(path), "locks/tmp/%s", list);
	json = instance_json(path, getpid(), ALICE);
	cr_assert(json);
	json_decref(json);
	free(list);
}

Test(locks_tree, the_longest_name_that_fits_is_whole)
{
	char name[256], path[300];
	struct virt_entry entry;

	memset(name, 'n', 250);
	name[250] = '\0';
	instance_lock(0, 0, name, session, 0);
	snprintf(path, sizeof(path), "locks/tmp/%s.json", name);
	cr_assert_eq(resolve(path, ALICE, &entry), 0);
}

Test(locks_tree, a_cut_does_not_split_a_character)
{
	char name[256];
	char *list;
	json_t *text;

	name[0] = 'n';
	for (int i = 1; i < 255; i += 2)
		memcpy(name + i, "\xc3\xa4", 2);
	name[255] = '\0';
	instance_lock(0, 0, name, session, 0);
	list = instance_list("locks/tmp", ALICE);
	text = json_string(list);
	cr_assert(text, "not UTF-8");
	json_decref(text);
	free(list);
}

Test(locks_tree, a_lock_is_hidden_from_who_could_not_stat_it)
{
	struct virt_entry entry;
	json_t *json;

	instance_lock(0, 0, "private/tool.lock", session, 0);
	cr_assert_eq(fchmodat(world.shares[0].lower_fd, "private", 0700, 0), 0);
	cr_assert_eq(fchownat(world.shares[0].lower_fd, "private", ALICE, ALICE, 0), 0);
	cr_assert_eq(resolve("locks/tmp/private/tool.lock.json", ALICE, &entry), 0);
	cr_assert_eq(resolve("locks/tmp/private/tool.lock.json", 0, &entry), 0);
	cr_assert_eq(resolve("locks/tmp/private/tool.lock.json", BOB, &entry), -ENOENT);
	cr_assert_eq(resolve("locks/tmp/private", BOB, &entry), -ENOENT);
	expect_list("locks/tmp", BOB, "");
	json = instance_json("locks.json", getpid(), BOB);
	cr_assert_eq(json_array_size(json_object_get(json, "locks")), 0);
	json_decref(json);
}

Test(locks_tree, a_directory_for_a_group_hides_its_locks_from_others)
{
	struct virt_entry entry;

	instance_lock(0, 0, "group/tool.lock", session, 0);
	cr_assert_eq(fchmodat(world.shares[0].lower_fd, "group", 0750, 0), 0);
	cr_assert_eq(resolve("locks/tmp/group/tool.lock.json", BOB, &entry), -ENOENT);
	cr_assert_eq(fchmodat(world.shares[0].lower_fd, "group", 0701, 0), 0);
	cr_assert_eq(resolve("locks/tmp/group/tool.lock.json", BOB, &entry), -ENOENT);
}

Test(locks_tree, a_session_s_own_lock_is_in_locks_json_alone)
{
	uint32_t other = instance_session(BOB, "build-1");
	struct virt_entry entry;
	json_t *json, *list;

	(void)other;
	instance_lock(0, session, "mine/tool.lock", session, 0);
	instance_lock(0, 0, "a.lock", session, 0);
	cr_assert_eq(resolve("locks/tmp/mine/tool.lock.json", ALICE, &entry), -ENOENT);
	json = instance_json("locks.json", getpid(), ALICE);
	list = json_object_get(json, "locks");
	cr_assert_eq(json_array_size(list), 2);
	cr_assert_str_eq(json_string_value(json_object_get(
				 json_object_get(json_array_get(list, 0), "lock"), "scope")),
			 "lower");
	cr_assert_str_eq(json_string_value(json_object_get(
				 json_object_get(json_array_get(list, 1), "lock"), "scope")),
			 "session");
	json_decref(json);
	json = instance_json("locks.json", getpid(), BOB);
	cr_assert_eq(json_array_size(json_object_get(json, "locks")), 1);
	json_decref(json);
}
