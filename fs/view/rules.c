/* SPDX-License-Identifier: MIT */
#include "view/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "view/rules_defaults.h"

/* Globs of the two common forms are compared as text: a look-up asks some thirty of them. */
enum glob_kind { GLOB_LITERAL, GLOB_SUFFIX, GLOB_GENERAL };

struct rule {
	char *glob; /* without the '!' */
	enum glob_kind kind;
	bool negated;
	bool has_slash;
	const char *text; /* of glob: what to compare, or its last component */
	size_t text_len;
};

struct rule_list {
	struct rule *rules;
	size_t count;
};

struct rules {
	enum path_class otherwise;
	struct rule_list lock;
	struct rule_list merge;
};

/* What a list may say of a path of which only the name is known. */
enum { MAY_MATCH = 1, MAY_NOT_MATCH = 2 };

static const char *const lock_directories[] = {
#define X(path) path,
	RULES_LOCK_DIRECTORIES(X)
#undef X
};

static const char *const lock_defaults[] = {
#define X(glob) glob,
	RULES_LOCK_DEFAULTS(X)
#undef X
};

static const char *const lock_defaults_indirect[] = {
#define X(glob) glob,
	RULES_LOCK_DEFAULTS_INDIRECT(X)
#undef X
};

static bool has_wildcard(const char *text)
{
	return strpbrk(text, "*?[\\") != NULL;
}

static int rule_list_add(struct rule_list *list, const char *glob)
{
	struct rule *grown = realloc(list->rules, (list->count + 1) * sizeof(*grown));
	struct rule *rule;

	if (!grown)
		return -ENOMEM;
	list->rules = grown;
	rule = &grown[list->count];
	*rule = (struct rule){.negated = glob[0] == '!'};
	rule->glob = strdup(glob + rule->negated);
	if (!rule->glob)
		return -ENOMEM;
	list->count++;

	rule->has_slash = strchr(rule->glob, '/') != NULL;
	rule->text = path_base(rule->glob);
	rule->kind = GLOB_GENERAL;
	if (!has_wildcard(rule->text)) {
		rule->kind = GLOB_LITERAL;
	} else if (rule->text[0] == '*' && rule->text[1] && !has_wildcard(rule->text + 1)) {
		rule->kind = GLOB_SUFFIX;
		rule->text++;
	}
	rule->text_len = strlen(rule->text);
	return 0;
}

static int rule_list_add_all(struct rule_list *list, const char *const *globs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int r = rule_list_add(list, globs[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

static void rule_list_release(struct rule_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->rules[i].glob);
	free(list->rules);
}

/* Whether the last component of the rule's glob matches a name. */
static bool rule_matches_name(const struct rule *rule, const char *name, size_t len)
{
	switch (rule->kind) {
	case GLOB_LITERAL:
		return len == rule->text_len && memcmp(name, rule->text, len) == 0;
	case GLOB_SUFFIX:
		return len >= rule->text_len &&
		       memcmp(name + len - rule->text_len, rule->text, rule->text_len) == 0;
	case GLOB_GENERAL:
		break;
	}
	return strcmp(rule->text, "**") == 0 || path_glob_match(rule->text, name);
}

static bool rule_list_matches(const struct rule_list *list, const char *path)
{
	const char *name = path_base(path);
	size_t len = strlen(name);

	for (size_t i = list->count; i-- > 0;) {
		const struct rule *rule = &list->rules[i];

		if (!rule_matches_name(rule, name, len))
			continue;
		if (!rule->has_slash || path_glob_match(rule->glob, path))
			return !rule->negated;
	}
	return false;
}

/* A glob with '/' may or may not match, wherever its last component matches the name. */
static int rule_list_may_match(const struct rule_list *list, const char *name, size_t len)
{
	int may = 0;

	for (size_t i = list->count; i-- > 0;) {
		const struct rule *rule = &list->rules[i];

		if (!rule_matches_name(rule, name, len))
			continue;
		may |= rule->negated ? MAY_NOT_MATCH : MAY_MATCH;
		if (!rule->has_slash)
			return may;
	}
	return may | MAY_NOT_MATCH;
}

static bool has_lock_defaults(const struct share_config *share)
{
	if (share->mode == SHARE_DIRECT)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(lock_directories); i++)
		if (path_is_below(share->path, lock_directories[i]))
			return true;
	return false;
}

static int add_defaults(struct rule_list *list, const struct share_config *share)
{
	int r;

	if (!has_lock_defaults(share))
		return 0;
	r = rule_list_add_all(list, lock_defaults, ARRAY_SIZE(lock_defaults));
	if (r < 0 || share->mode == SHARE_DIRECT)
		return r;
	return rule_list_add_all(list, lock_defaults_indirect, ARRAY_SIZE(lock_defaults_indirect));
}

static int add_given(struct rule_list *list, const struct string_list *globs)
{
	for (size_t i = 0; i < globs->count; i++) {
		int r = rule_list_add(list, globs->items[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

int rules_new(const struct share_config *share, struct rules **ret_rules)
{
	struct rules *rules = calloc(1, sizeof(*rules));
	int r;

	if (!rules)
		return -ENOMEM;
	rules->otherwise = share->mode == SHARE_DIRECT ? CLASS_SHARED : CLASS_PRIVATE;
	r = add_defaults(&rules->lock, share);
	if (r == 0)
		r = add_given(&rules->lock, &share->lock);
	if (r == 0)
		r = add_given(&rules->merge, &share->merge);
	if (r < 0) {
		rules_free(rules);
		return r;
	}
	*ret_rules = rules;
	return 0;
}

void rules_free(struct rules *rules)
{
	if (!rules)
		return;
	rule_list_release(&rules->lock);
	rule_list_release(&rules->merge);
	free(rules);
}

int rules_class_by_name(const struct rules *rules, const char *name)
{
	size_t len = strlen(name);
	int merge = rule_list_may_match(&rules->merge, name, len);
	int lock;

	if (merge == MAY_MATCH)
		return CLASS_MERGE;
	if (merge != MAY_NOT_MATCH)
		return -1;
	lock = rule_list_may_match(&rules->lock, name, len);
	if (lock == MAY_MATCH)
		return CLASS_LOCK;
	return lock == MAY_NOT_MATCH ? (int)rules->otherwise : -1;
}

enum path_class rules_class(const struct rules *rules, const char *relative_path)
{
	if (rule_list_matches(&rules->merge, relative_path))
		return CLASS_MERGE;
	if (rule_list_matches(&rules->lock, relative_path))
		return CLASS_LOCK;
	return rules->otherwise;
}

const char *path_class_name(enum path_class path_class)
{
	static const char *const names[] = {"private", "lock", "merge", "shared"};

	return names[path_class];
}
