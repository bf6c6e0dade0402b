/* SPDX-License-Identifier: MIT */
/*
 * What a commit would do: a session's changes, each judged against what the lower holds now.
 *
 * A change may be applied where the lower is still at its base: as it was when the session first took the name
 * over (view/seen.h), or, for what was made in the session, not there. What both sides changed to the
 * same is no change, and is not in the plan (txn/diff.h), nor is a mere copy of what they have changed since. A removed directory counts with everything
 * below it; names that nobody noted and that the session has not moved elsewhere came later.
 *
 * A file called *.json that both sides have changed is merged by key (txn/json_merge.h), where what it said before is
 * known (view/base_text.h).
 *
 * The same identity is: type, size, mode, owner, inode, mtime and ctime; of a directory type, mode, owner
 * and inode. So a file that was changed and changed back counts as changed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "txn/diff.h"
#include "view/layout.h"
#include "view/seen.h"

enum plan_verdict {
	PLAN_APPLY,
	PLAN_THEIRS, /* nothing of ours to apply: not in a plan that is made */
	/* conflicts */
	PLAN_CHANGED,  /* the lower's was changed since */
	PLAN_APPEARED, /* it came to the lower since */
	PLAN_REMOVED,  /* it went from the lower since */
	/* the rights of who asks */
	PLAN_FORBIDDEN,
};

struct plan_item {
	uint32_t share; /* in the configuration */
	enum plan_verdict verdict;
	char change; /* struct diff_entry */
	mode_t mode;
	char *path;   /* below the share */
	char *source; /* struct diff_entry */
	char *merged; /* the text of a JSON file that both sides changed; else NULL */
	size_t merged_len;
	char **clashes; /* PLAN_CHANGED: RFC 6901 pointers at which that could not be; NULL-terminated */
	ino_t parent_ino;  /* of the lower's directory that it is in; 0: the plan makes that */
	bool lower_there;  /* what is replaced, removed or changed */
	struct stat lower; /* that, as it was when the plan was made */
};

/* Who asks. For uid 0 nothing is forbidden. */
struct plan_asker {
	uid_t uid;
	gid_t gid;
};

/* Zero-initialised is empty and valid. */
struct plan {
	struct plan_item *items; /* by share, and by path in it */
	size_t count;
	size_t capacity;
	/* When the lower was first looked at (CLOCK_REALTIME): what has a later ctime was not seen. */
	struct timespec started;
	struct plan_asker asker;
};
#define _cleanup_plan_ __attribute__((cleanup(plan_release)))
void plan_release(struct plan *plan);

/* One share of the session, its descriptors borrowed. */
struct plan_share {
	uint32_t share;
	bool no_merge; /* what both sides have changed is a conflict, also in JSON */
	bool empty;    /* mode `empty`: the view shows nothing of the lower */
	int upper_fd;
	int work_fd;
	int lower_fd;
};

/* Whether a change is wanted: commit may be asked for some alone. */
typedef bool (*plan_wanted_fn)(uint32_t share, const struct diff_entry *entry, void *context);

/*
 * Adds the changes of one share to the plan. Reads only. 0 or negative errno; release the plan in either
 * case.
 */
int plan_add_share(struct plan *plan, const struct layout_names *names,
		   const struct plan_share *share, const struct plan_asker *asker,
		   plan_wanted_fn wanted, void *context);

/*
 * The item of the directory that a path is in, among `count` items of one share in their order; NULL: the plan does
 * not have it.
 */
const struct plan_item *plan_find_parent(const struct plan_item *items, size_t count,
					 const char *path);

/* The thread is who asks, with nothing but his own rights, until plan_as_worker(); in that case too if it fails. */
int plan_as_asker(const struct plan_asker *asker);
void plan_as_worker(void);

/* The parent of a path of a share, O_PATH, and the last name in it. The fd or negative errno. */
int plan_open_parent(int root_fd, const char *path, const char **ret_name);

/* Whether what is in the lower now is what was noted. */
bool plan_is_base(const struct layout_base *base, const struct stat *now);
/* A time as bases have it. */
uint64_t plan_time_ns(const struct timespec *time);
