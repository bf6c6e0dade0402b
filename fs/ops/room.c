/* SPDX-License-Identifier: MIT */
#include "ops/room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "session/usage.h"

#define BLOCK_SIZE 512

static bool limited(const struct fs *fs)
{
	return usage_limited(fs->instance->config);
}

static void tell(struct fs *fs, uint32_t session)
{
	const struct session_record *record = registry_at(fs->instance->registry, session);
	const struct config *config = fs->instance->config;
	struct usage usage = usage_get(fs->instance->registry, session);

	events_emit_consume(fs->instance->events, record->uid, session, "session_limit",
			    json_pack("{s:s, s:I, s:I, s:I, s:I}", "session", record->id, "bytes",
				      (json_int_t)usage.bytes, "max_bytes",
				      (json_int_t)config->max_bytes, "files",
				      (json_int_t)usage.files, "max_files",
				      (json_int_t)config->max_files));
}

int room_check(struct fs *fs, uint32_t session, uint64_t bytes)
{
	bool first;
	int r;

	if (!limited(fs))
		return 0;
	r = usage_check(fs->instance->registry, session, bytes, &first);
	if (first)
		tell(fs, session);
	return r;
}

int room_check_name(struct fs *fs, const struct layer_dir *dir, const char *name)
{
	if (!limited(fs) || view_lives_in_lower(dir, layer_dir_class(dir, name)))
		return 0;
	return room_check(fs, dir->view->session, 0);
}

static bool is_in_upper(const struct layer_dir *dir, const char *name, struct stat *ret_st)
{
	return layer_dir_upper(dir) >= 0 &&
	       fstatat(layer_dir_upper(dir), name, ret_st, AT_SYMLINK_NOFOLLOW) == 0;
}

int room_check_moved(struct fs *fs, const struct layer_dir *dir, const char *name, bool *ret_comes)
{
	struct stat st;

	*ret_comes = limited(fs) && !view_lives_in_lower(dir, layer_dir_class(dir, name)) &&
		     !is_in_upper(dir, name, &st);
	return *ret_comes ? room_check(fs, dir->view->session, 0) : 0;
}

void room_moved(struct fs *fs, const struct layer_dir *dir, const char *name)
{
	struct stat st;

	if (is_in_upper(dir, name, &st))
		room_made(fs, dir->view->session, LAYER_UPPER, &st);
}

int room_check_node(struct fs *fs, const struct node_info *node, uint64_t bytes)
{
	if (!limited(fs) || node->state != NODE_STATE_VIEW || node->flags & NODE_LOWER_CLASS)
		return 0;
	return room_check(fs, node->session, bytes);
}

void room_made(struct fs *fs, uint32_t session, enum layer layer, const struct stat *st)
{
	if (limited(fs) && layer == LAYER_UPPER)
		usage_add(fs->instance->registry, session, 1, (int64_t)st->st_blocks * BLOCK_SIZE);
}

void room_going(struct fs *fs, const struct layer_dir *dir, const char *name,
		struct room_going *ret_going)
{
	struct stat st;

	*ret_going = (struct room_going){0};
	if (!limited(fs) || !is_in_upper(dir, name, &st) || layout_is_whiteout(&st) ||
	    (!S_ISDIR(st.st_mode) && st.st_nlink > 1))
		return;
	ret_going->session = dir->view->session;
	ret_going->bytes = (int64_t)st.st_blocks * BLOCK_SIZE;
}

void room_gone(struct fs *fs, const struct room_going *going, int r)
{
	if (r >= 0 && going->session)
		usage_add(fs->instance->registry, going->session, -1, -going->bytes);
}

static bool is_written_by(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY;
}

static uint32_t blocks_of(struct fs *fs, const struct node_info *node)
{
	struct stat st;
	bool merged;

	if (fs_stat(fs, node, &st, &merged) < 0)
		return 0;
	return st.st_blocks < UINT32_MAX ? (uint32_t)st.st_blocks : UINT32_MAX;
}

uint32_t room_opened(struct fs *fs, const struct node_info *node, int flags)
{
	if (!limited(fs) || node->flags & NODE_LOWER_CLASS || !is_written_by(flags))
		return 0;
	return blocks_of(fs, node);
}

static void count_growth(struct fs *fs, const struct node_info *node, uint32_t before, uint32_t now)
{
	if (now != before)
		usage_add(fs->instance->registry, node->session, 0,
			  ((int64_t)now - before) * BLOCK_SIZE);
}

/* The node of an open file that counts. */
static bool counts(struct fs *fs, const struct handle_record *handle, struct node_info *ret_node)
{
	return handle->head.state == HANDLE_STATE_FILE && is_written_by((int)handle->flags) &&
	       node_get_index(fs->nodes, handle->node, ret_node) == 0 &&
	       ret_node->state == NODE_STATE_VIEW && !(ret_node->flags & NODE_LOWER_CLASS);
}

/* A handle that writes. */
struct writer {
	uint64_t fh;
	uint32_t node;
};

static int by_node(const void *a, const void *b)
{
	uint32_t left = ((const struct writer *)a)->node, right = ((const struct writer *)b)->node;

	return left < right ? -1 : left > right;
}

/* The writing handles, of `node` (0: of all), sorted by node. Returns how many. */
static size_t writers(struct fs *fs, uint32_t node, struct writer **ret_writers)
{
	size_t count = 0, capacity = 0;
	struct writer *found = NULL;

	for (uint64_t fh = 0; (fh = handle_next(fs->handles, fh));) {
		const struct handle_record *handle = handle_at(fs->handles, fh);

		if (!handle || handle->head.state != HANDLE_STATE_FILE ||
		    !is_written_by((int)handle->flags) || (node && handle->node != node))
			continue;
		if (count == capacity) {
			struct writer *grown;

			capacity = capacity ? capacity * 2 : 64;
			grown = reallocarray(found, capacity, sizeof(*found));
			if (!grown)
				break;
			found = grown;
		}
		found[count++] = (struct writer){.fh = fh, .node = handle->node};
	}
	if (count)
		qsort(found, count, sizeof(*found), by_node);
	*ret_writers = found;
	return count;
}

/* Several handles write to one file: its growth counts once. */
static void count_group(struct fs *fs, const struct writer *group, size_t count)
{
	struct handle_record *handle = handle_at(fs->handles, group[0].fh);
	struct node_info node;
	uint32_t before = 0, now;

	if (!handle || !counts(fs, handle, &node))
		return;
	now = blocks_of(fs, &node);
	for (size_t i = 0; i < count; i++) {
		handle = handle_at(fs->handles, group[i].fh);
		if (!handle)
			continue;
		if (handle->counted_blocks > before)
			before = handle->counted_blocks;
		handle->counted_blocks = now;
	}
	count_growth(fs, &node, before, now);
}

static void count_writers(struct fs *fs)
{
	_cleanup_free_ struct writer *all = NULL;
	size_t count = writers(fs, 0, &all);

	for (size_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && all[end].node == all[i].node;)
			end++;
		count_group(fs, &all[i], end - i);
	}
}

void room_closed(struct fs *fs, const struct handle_record *handle)
{
	struct node_info node;
	uint32_t now;

	if (!limited(fs) || !counts(fs, handle, &node))
		return;
	now = blocks_of(fs, &node);
	count_growth(fs, &node, handle->counted_blocks, now);
	/* What this one has told, others of the same file are not to tell again. */
	if (node.opens) {
		_cleanup_free_ struct writer *others = NULL;
		size_t count = writers(fs, handle->node, &others);

		for (size_t i = 0; i < count; i++) {
			struct handle_record *other = handle_at(fs->handles, others[i].fh);

			if (other)
				other->counted_blocks = now;
		}
	}
}

static uint64_t left_of(uint64_t limit, uint64_t used)
{
	return used < limit ? limit - used : 0;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void room_statvfs(struct fs *fs, uint32_t session, struct statvfs *statvfs)
{
	const struct config *config = fs->instance->config;
	struct usage usage = usage_get(fs->instance->registry, session);
	uint64_t unit = statvfs->f_frsize ? statvfs->f_frsize : statvfs->f_bsize;

	if (config->max_bytes && unit) {
		uint64_t left = left_of(config->max_bytes, usage.bytes) / unit;

		statvfs->f_blocks = smaller(statvfs->f_blocks, config->max_bytes / unit);
		statvfs->f_bfree = smaller(statvfs->f_bfree, left);
		statvfs->f_bavail = smaller(statvfs->f_bavail, left);
	}
	if (config->max_files) {
		uint64_t left = left_of(config->max_files, usage.files);

		statvfs->f_files = smaller(statvfs->f_files, config->max_files);
		statvfs->f_ffree = smaller(statvfs->f_ffree, left);
		statvfs->f_favail = smaller(statvfs->f_favail, left);
	}
}

void room_sweep(struct fs *fs)
{
	if (!limited(fs))
		return;
	count_writers(fs);
	usage_sweep(fs->instance->registry);
}
