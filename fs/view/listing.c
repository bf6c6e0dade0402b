/* SPDX-License-Identifier: MIT */
#include "view/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/index.h"
#include "view/rights.h"

/*
 * Work in progress. Names lie one after the other in a growing buffer, so entries hold offsets
 * until it is complete.
 */
struct merge {
	struct layer_dir *dir;
	struct buf names;
	struct listing_entry *entries;
	size_t *offsets;
	size_t count;
	size_t capacity;
	struct index seen; /* names of the upper, whiteouts too: entry number + 1 */
	bool use_seen;
	enum layer layer;
};

/* A name of the upper that hides the lower's without showing itself. */
#define TYPE_WHITEOUT 255

static int merge_add(struct merge *merge, const struct dirent *entry, uint8_t type)
{
	if (merge->count == merge->capacity) {
		size_t capacity = merge->capacity ? merge->capacity * 2 : 64;
		void *entries = reallocarray(merge->entries, capacity, sizeof(*merge->entries));
		void *offsets;

		if (!entries)
			return -ENOMEM;
		merge->entries = entries;
		offsets = reallocarray(merge->offsets, capacity, sizeof(*merge->offsets));
		if (!offsets)
			return -ENOMEM;
		merge->offsets = offsets;
		merge->capacity = capacity;
	}
	merge->offsets[merge->count] = merge->names.len;
	merge->entries[merge->count] = (struct listing_entry){
		.ino = entry->d_ino, .type = type, .layer = (uint8_t)merge->layer};
	buf_add(&merge->names, entry->d_name, strlen(entry->d_name) + 1);
	merge->count++;
	if (buf_failed(&merge->names))
		return -ENOMEM;
	if (!merge->use_seen || merge->layer == LAYER_LOWER)
		return 0;
	return index_add(&merge->seen, XXH3_64bits(entry->d_name, strlen(entry->d_name)),
			 (uint32_t)merge->count);
}

static bool same_name(uint32_t number, const void *key, void *context)
{
	const struct merge *merge = context;

	return strcmp(merge->names.data + merge->offsets[number - 1], key) == 0;
}

static bool merge_has(const struct merge *merge, const char *name)
{
	struct merge *context = (struct merge *)(uintptr_t)merge;

	return index_find(&merge->seen, XXH3_64bits(name, strlen(name)), same_name, name, context);
}

static bool is_whiteout(int dirfd, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_CHR && entry->d_type != DT_UNKNOWN)
		return false;
	return fstatat(dirfd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       layout_is_whiteout(&st);
}

static int add_upper(struct merge *merge, int dirfd, const struct dirent *entry)
{
	struct layer_dir *dir = merge->dir;

	/* A name that lives in the lower is taken from there alone. */
	if (dir->lower >= 0 && view_lives_in_lower(dir, layer_dir_class(dir, entry->d_name)))
		return 0;
	return merge_add(merge, entry, is_whiteout(dirfd, entry) ? TYPE_WHITEOUT : entry->d_type);
}

static int add_lower(struct merge *merge, int dirfd, const struct dirent *entry)
{
	struct layer_dir *dir = merge->dir;

	if (dir->inherited == CLASS_PRIVATE) {
		if (merge->use_seen && merge_has(merge, entry->d_name))
			return 0;
		if (dir->view->mode == SHARE_EMPTY &&
		    !view_lives_in_lower(dir, layer_dir_class(dir, entry->d_name)))
			return 0;
		if (is_whiteout(dirfd, entry))
			return 0;
	}
	return merge_add(merge, entry, entry->d_type);
}

static int read_layer(struct merge *merge, int path_fd,
		      int (*add)(struct merge *, int, const struct dirent *))
{
	_cleanup_closedir_ DIR *stream = NULL;
	int fd = openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	int r;

	if (fd < 0)
		return -errno;
	stream = fdopendir(fd);
	if (!stream) {
		close(fd);
		return -ENOMEM;
	}
	while (errno = 0, (entry = readdir(stream))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		r = add(merge, dirfd(stream), entry);
		if (r < 0)
			return r;
	}
	return -errno;
}

static int read_both(struct merge *merge)
{
	int upper = layer_dir_upper(merge->dir);
	int r = 0;

	merge->use_seen = upper >= 0 && merge->dir->lower >= 0;
	if (upper >= 0) {
		merge->layer = LAYER_UPPER;
		r = read_layer(merge, upper, add_upper);
		if (r < 0)
			return r;
	}
	if (merge->dir->lower >= 0 && lower_rights(merge->dir) & R_OK) {
		merge->layer = LAYER_LOWER;
		r = read_layer(merge, merge->dir->lower, add_lower);
	}
	return r;
}

int view_list(struct layer_dir *dir, struct listing *ret_listing)
{
	struct merge merge = {.dir = dir};
	size_t kept = 0;
	int r = read_both(&merge);

	index_release(&merge.seen);
	if (r < 0) {
		buf_release(&merge.names);
		free(merge.entries);
		free(merge.offsets);
		return r;
	}
	for (size_t i = 0; i < merge.count; i++) {
		if (merge.entries[i].type == TYPE_WHITEOUT)
			continue;
		merge.entries[kept] = merge.entries[i];
		merge.entries[kept].name = merge.names.data + merge.offsets[i];
		kept++;
	}
	free(merge.offsets);
	*ret_listing = (struct listing){
		.entries = merge.entries, .count = kept, .names = merge.names.data};
	return 0;
}

void view_listing_release(struct listing *listing)
{
	free(listing->entries);
	free(listing->names);
	*listing = (struct listing){0};
}

int view_check_empty(struct layer_dir *dir)
{
	struct listing listing;
	int r = view_list(dir, &listing);

	if (r < 0)
		return r;
	r = listing.count ? -ENOTEMPTY : 0;
	view_listing_release(&listing);
	return r;
}
