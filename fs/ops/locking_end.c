/* SPDX-License-Identifier: MIT */
/* How advisory locks end, move, and come back. */
#include "base/log.h"
#include "ops/carrier.h"
#include "ops/locking.h"
#include "ops/locking_told.h"

void locking_flushed(struct fs *fs, uint64_t handle, uint64_t owner)
{
	struct handle_record *record = handle_at(fs->handles, handle);
	struct advisory_request request;
	struct node_info node;

	if (!record || !advisory_any(fs->advisory) ||
	    node_get_index(fs->nodes, record->node, &node) < 0)
		return;
	request = (struct advisory_request){.key = locking_key(&node),
					    .kind = ADVISORY_POSIX,
					    .owner = owner,
					    .handle = handle,
					    .uid = record->uid};
	locking_close_owner(fs, &request);
}

void locking_released(struct fs *fs, uint64_t handle)
{
	const struct handle_record *record = handle_at(fs->handles, handle);
	struct advisory_request request;

	if (!record || !atomic_load(&record->locked))
		return;
	while (advisory_of_handle(fs->advisory, handle, &request))
		locking_close_owner(fs, &request);
}

struct renumbered {
	struct fs *fs;
	uint32_t node;
};

static bool is_of_node(uint64_t handle, void *context)
{
	const struct renumbered *renumbered = context;
	const struct handle_record *record = handle_at(renumbered->fs->handles, handle);

	return record && record->node == renumbered->node;
}

void locking_renumbered(struct fs *fs, const struct node_info *node, uint64_t old_ino)
{
	struct renumbered renumbered = {.fs = fs, .node = node->index};
	struct advisory_key to = locking_key(node), from = to;

	from.ino = old_ino;
	if (from.session && old_ino != to.ino)
		advisory_move(fs->advisory, &from, &to, is_of_node, &renumbered);
}

void locking_restore(struct fs *fs)
{
	struct advisory_record record;
	uint32_t number = 0;

	while ((number = advisory_next(fs->advisory, number, &record))) {
		struct advisory_request request = {
			.key = {.share = record.share, .dev = record.dev, .ino = record.ino},
			.range = {record.start, record.end, (enum range_type)record.type},
			.kind = (enum advisory_kind)record.kind,
			.owner = record.owner,
			.handle = record.handle,
			.uid = record.uid};

		/* It stays a lock here: its holder knows of no other. */
		if (!record.session && carrier_set(fs, &request) < 0)
			log_warning("an outsider has taken a lock while the worker was replaced");
		told_again(fs, &record);
	}
}
