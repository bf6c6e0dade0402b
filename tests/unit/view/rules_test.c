/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "view/rules.h"

static struct rules *make(const char *path, enum share_mode mode, const char *const *lock,
			  const char *const *merge)
{
	struct share_config share = {.mode = mode};
	struct rules *rules = NULL;
	char *items[2][8];
	char path_copy[64];

	snprintf(path_copy, sizeof(path_copy), "%s", path);
	share.path = path_copy;
	for (; lock && lock[share.lock.count]; share.lock.count++)
		items[0][share.lock.count] = strdup(lock[share.lock.count]);
	for (; merge && merge[share.merge.count]; share.merge.count++)
		items[1][share.merge.count] = strdup(merge[share.merge.count]);
	share.lock.items = items[0];
	share.merge.items = items[1];
	cr_assert_eq(rules_new(&share, &rules), 0);
	for (size_t i = 0; i < share.lock.count; i++)
		free(items[0][i]);
	for (size_t i = 0; i < share.merge.count; i++)
		free(items[1][i]);
	return rules;
}

/* By name where that decides, and by path: both must say the same. */
static enum path_class class_of(const struct rules *rules, const char *path)
{
	const char *slash = strrchr(path, '/');
	int by_name = rules_class_by_name(rules, slash ? slash + 1 : path);
	enum path_class by_path = rules_class(rules, path);

	if (by_name >= 0)
		cr_assert_eq(by_name, (int)by_path, "%s", path);
	return by_path;
}

Test(rules, temp_directories_hold_locks_by_default)
{
	static const char *const locks[] = {"tool.lock", "a/b/tool.lck", "x.pid",   "y.lockfile",
					    ".lock",     "d/lock",       "db/LOCK", "a.lock.lock"};
	static const char *const shares[] = {"/tmp",      "/var/tmp",  "/dev/shm",
					     "/run/lock", "/var/lock", "/tmp/deeper"};

	for (size_t s = 0; s < ARRAY_SIZE(shares); s++) {
		struct rules *rules = make(shares[s], SHARE_OVERLAY, NULL, NULL);

		for (size_t i = 0; i < ARRAY_SIZE(locks); i++)
			cr_expect_eq(class_of(rules, locks[i]), CLASS_LOCK, "%s in %s", locks[i],
				     shares[s]);
		rules_free(rules);
	}
}

Test(rules, what_only_resembles_a_lock_is_private)
{
	static const char *const others[] = {"result.json", "tool.locked", "locks",
					     "xlock",       "Lock",        "tool.pid.txt",
					     "lock/inside", "unlock"};
	struct rules *rules = make("/tmp", SHARE_OVERLAY, NULL, NULL);

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		cr_expect_eq(class_of(rules, others[i]), CLASS_PRIVATE, "%s", others[i]);
	rules_free(rules);
}

Test(rules, dependency_lock_files_are_data)
{
	static const char *const data[] = {"Cargo.lock",    "yarn.lock",    "poetry.lock",
					   "uv.lock",       "flake.lock",   "Gemfile.lock",
					   "composer.lock", "Pipfile.lock", "bun.lock",
					   "deno.lock",     "mix.lock",     "pdm.lock",
					   "pixi.lock",     "Podfile.lock", "gradle.lockfile"};
	struct rules *rules = make("/tmp", SHARE_OVERLAY, NULL, NULL);
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(data); i++) {
		cr_expect_eq(class_of(rules, data[i]), CLASS_PRIVATE, "%s", data[i]);
		snprintf(path, sizeof(path), "project/%s", data[i]);
		cr_expect_eq(class_of(rules, path), CLASS_PRIVATE, "%s", path);
	}
	cr_expect_eq(class_of(rules, "MyCargo.lock"), CLASS_LOCK);
	rules_free(rules);
}

Test(rules, other_overlay_shares_have_no_locks)
{
	struct rules *rules = make("/home/u/work", SHARE_OVERLAY, NULL, NULL);
	struct rules *sibling = make("/tmpfiles", SHARE_OVERLAY, NULL, NULL);

	cr_expect_eq(class_of(rules, "tool.lock"), CLASS_PRIVATE);
	cr_expect_eq(class_of(sibling, "tool.lock"), CLASS_PRIVATE);
	rules_free(rules);
	rules_free(sibling);
}

Test(rules, git_locks_only_where_the_repository_is_shared)
{
	struct rules *overlay = make("/tmp", SHARE_OVERLAY, NULL, NULL);
	struct rules *direct = make("/home/u/work", SHARE_DIRECT, NULL, NULL);

	cr_expect_eq(class_of(overlay, ".git/index.lock"), CLASS_PRIVATE);
	cr_expect_eq(class_of(overlay, "a/.git/refs/heads/main.lock"), CLASS_PRIVATE);
	cr_expect_eq(class_of(overlay, "a/b.git/index.lock"), CLASS_LOCK);
	cr_expect_eq(class_of(direct, ".git/index.lock"), CLASS_LOCK);
	cr_expect_eq(class_of(direct, "src/main.c"), CLASS_SHARED);
	cr_expect_eq(class_of(direct, "Cargo.lock"), CLASS_SHARED);
	rules_free(overlay);
	rules_free(direct);
}

Test(rules, given_globs_come_after_the_defaults_and_the_last_match_wins)
{
	static const char *const lock[] = {"!*.pid", "Cargo.lock", "guard-*", "!guard-free", NULL};
	struct rules *rules = make("/tmp", SHARE_OVERLAY, lock, NULL);

	cr_expect_eq(class_of(rules, "x.pid"), CLASS_PRIVATE);
	cr_expect_eq(class_of(rules, "Cargo.lock"), CLASS_LOCK);
	cr_expect_eq(class_of(rules, "guard-1"), CLASS_LOCK);
	cr_expect_eq(class_of(rules, "guard-free"), CLASS_PRIVATE);
	cr_expect_eq(class_of(rules, "x.lock"), CLASS_LOCK);
	rules_free(rules);
}

Test(rules, a_glob_with_a_slash_is_relative_to_the_share)
{
	static const char *const lock[] = {"state/guard", "**/deep/*.x", NULL};
	struct rules *rules = make("/srv", SHARE_OVERLAY, lock, NULL);

	cr_expect_eq(class_of(rules, "state/guard"), CLASS_LOCK);
	cr_expect_eq(class_of(rules, "other/state/guard"), CLASS_PRIVATE);
	cr_expect_eq(class_of(rules, "guard"), CLASS_PRIVATE);
	cr_expect_eq(class_of(rules, "a/deep/y.x"), CLASS_LOCK);
	cr_expect_eq(class_of(rules, "deep/y.x"), CLASS_LOCK);
	cr_expect_eq(class_of(rules, "deep/a/y.x"), CLASS_PRIVATE);
	rules_free(rules);
}

Test(rules, merge_globs_come_last_and_their_exclusions_fall_back_to_the_lock_globs)
{
	static const char *const lock[] = {"*.guard", NULL};
	static const char *const merge[] = {"settings.json", "a.guard", "!b.guard", "!c.lock",
					    NULL};
	struct rules *rules = make("/tmp", SHARE_OVERLAY, lock, merge);

	cr_expect_eq(class_of(rules, "settings.json"), CLASS_MERGE);
	cr_expect_eq(class_of(rules, "x/settings.json"), CLASS_MERGE);
	cr_expect_eq(class_of(rules, "a.guard"), CLASS_MERGE);
	cr_expect_eq(class_of(rules, "b.guard"), CLASS_LOCK);
	cr_expect_eq(class_of(rules, "c.lock"), CLASS_LOCK);
	rules_free(rules);
}

Test(rules, a_name_decides_unless_a_path_could_change_it)
{
	static const char *const merge[] = {"etc/settings.json", NULL};
	struct rules *rules = make("/tmp", SHARE_OVERLAY, NULL, merge);

	cr_expect_eq(rules_class_by_name(rules, "result.json"), CLASS_PRIVATE);
	cr_expect_eq(rules_class_by_name(rules, "Cargo.lock"), CLASS_PRIVATE);
	/* Below a .git it would be private. */
	cr_expect_eq(rules_class_by_name(rules, "index.lock"), -1);
	cr_expect_eq(rules_class_by_name(rules, "settings.json"), -1);
	rules_free(rules);
}

Test(rules, names_of_classes)
{
	cr_expect_str_eq(path_class_name(CLASS_PRIVATE), "private");
	cr_expect_str_eq(path_class_name(CLASS_LOCK), "lock");
	cr_expect_str_eq(path_class_name(CLASS_MERGE), "merge");
	cr_expect_str_eq(path_class_name(CLASS_SHARED), "shared");
}
