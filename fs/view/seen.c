/* SPDX-License-Identifier: MIT */
#include "view/seen.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "base/log.h"
#include "base/sys.h"
#include "store/store.h"
#include "view/base_text.h"

#define SEEN_LOG "../" STORE_SEEN
#define SEEN_MAGIC                                                                                 \
	{                                                                                          \
		'S', 'e', 'e', 'n'                                                                 \
	}
#define SEEN_MAX (1u << 30)

static const char seen_magic[4] = SEEN_MAGIC;

enum seen_kind { SEEN_HELD = 1, SEEN_DROPPED };

/* On disk, little endian; the path follows, without NUL. */
struct seen_entry {
	char magic[4];
	uint16_t path_len;
	uint16_t kind;
	uint64_t check; /* XXH3 of the path and everything but magic and check */
	struct layout_base base;
};

struct seen_item {
	char *path;
	size_t order;
	bool dropped;
	struct layout_base base;
};

static uint64_t entry_check(const struct seen_entry *entry, const char *path)
{
	size_t len = le16toh(entry->path_len);
	uint64_t seed = XXH3_64bits(&entry->base, sizeof(entry->base));

	return XXH3_64bits_withSeed(path, len, seed ^ ((uint64_t)entry->kind << 32 | len));
}

static int open_log(int work_fd)
{
	int fd = openat(work_fd, SEEN_LOG, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
			0600);

	return fd < 0 ? -errno : fd;
}

static int append(int fd, const char *path, const struct stat *lower)
{
	size_t len = strlen(path);
	struct seen_entry entry = {.magic = SEEN_MAGIC,
				   .path_len = htole16((uint16_t)len),
				   .kind = htole16(lower ? SEEN_HELD : SEEN_DROPPED)};
	const struct iovec parts[] = {{&entry, sizeof(entry)}, {(void *)(uintptr_t)path, len}};
	ssize_t n;

	if (len >= PATH_MAX)
		return -ENAMETOOLONG;
	if (lower)
		layout_encode_base(lower, &entry.base);
	entry.check = htole64(entry_check(&entry, path));
	/* One call: appends of several threads do not mix. A part of one is passed over by readers. */
	n = writev(fd, parts, ARRAY_SIZE(parts));
	if (n < 0)
		return -errno;
	return (size_t)n == sizeof(entry) + len ? 0 : -ENOSPC;
}

int seen_append(int work_fd, const char *path, const struct stat *lower)
{
	_cleanup_close_ int fd = open_log(work_fd);

	return fd < 0 ? fd : append(fd, path, lower);
}

/* The view's own descriptor of the log; borrowed. */
static int view_log(struct view *view)
{
	int fd = view->seen_fd, none = -1;

	if (fd >= 0)
		return fd;
	fd = open_log(view->work_fd);
	if (fd < 0 || atomic_compare_exchange_strong(&view->seen_fd, &none, fd))
		return fd;
	/* Another thread was first. */
	close(fd);
	return none;
}

void seen_note(struct layer_dir *dir, const char *name, const struct stat *lower)
{
	char path[PATH_MAX];
	int r = layer_dir_lower_path(dir, name, path, sizeof(path));
	int fd = r == 0 ? view_log(dir->view) : r;

	r = fd < 0 ? fd : append(fd, path, lower);
	if (r < 0)
		log_warning("cannot note what the share held at %s: %s", name, strerror(-r));
	base_text_keep(dir, name, lower);
}

static int by_path(const void *a, const void *b)
{
	const struct seen_item *left = a, *right = b;
	int order = strcmp(left->path, right->path);

	return order ? order : left->order < right->order ? -1 : 1;
}

/* The entry that begins at `at`, where a whole one does. */
static bool entry_at(const char *text, size_t len, size_t at, struct seen_entry *ret_entry)
{
	if (len - at < sizeof(*ret_entry) || memcmp(text + at, seen_magic, sizeof(seen_magic)) != 0)
		return false;
	memcpy(ret_entry, text + at, sizeof(*ret_entry));
	return le16toh(ret_entry->path_len) < PATH_MAX &&
	       len - at - sizeof(*ret_entry) >= le16toh(ret_entry->path_len) &&
	       le64toh(ret_entry->check) == entry_check(ret_entry, text + at + sizeof(*ret_entry));
}

static int add_item(struct seen *seen, const struct seen_entry *entry, const char *path)
{
	struct seen_item item = {.order = seen->count,
				 .dropped = le16toh(entry->kind) == SEEN_DROPPED};
	int r = GROW(seen);

	if (r < 0)
		return r;
	item.path = strndup(path, le16toh(entry->path_len));
	if (!item.path)
		return -ENOMEM;
	if (!item.dropped && layout_decode_base(&entry->base, &item.base) < 0)
		item.dropped = true;
	seen->items[seen->count++] = item;
	return 0;
}

/* Of each path the last entry; the others are freed. */
static void keep_last(struct seen *seen)
{
	size_t kept = 0;

	if (seen->count)
		qsort(seen->items, seen->count, sizeof(*seen->items), by_path);
	for (size_t i = 0; i < seen->count; i++) {
		if (i + 1 < seen->count &&
		    strcmp(seen->items[i].path, seen->items[i + 1].path) == 0)
			free(seen->items[i].path);
		else
			seen->items[kept++] = seen->items[i];
	}
	seen->count = kept;
}

static const struct seen_item *find(const struct seen *seen, const char *path)
{
	size_t low = 0, high = seen->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(path, seen->items[middle].path);

		if (order == 0)
			return &seen->items[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* Whether the item's path, or a directory above it, was dropped after it was noted. */
static bool is_dropped(const struct seen *dropped, const struct seen_item *item)
{
	char path[PATH_MAX];
	size_t len = strlen(item->path);
	const struct seen_item *found;

	memcpy(path, item->path, len + 1);
	for (;;) {
		found = find(dropped, path);
		if (found && found->order > item->order)
			return true;
		if (len == 0)
			return false;
		while (len > 0 && path[len] != '/')
			len--;
		path[len] = '\0';
	}
}

/* Takes the drops out, and what they void. 0 or -ENOMEM. */
static int settle(struct seen *seen)
{
	_cleanup_seen_ struct seen dropped = {0};
	size_t kept = 0;

	dropped.items = calloc(seen->count + 1, sizeof(*dropped.items));
	if (!dropped.items)
		return -ENOMEM;
	for (size_t i = 0; i < seen->count; i++) {
		if (seen->items[i].dropped)
			dropped.items[dropped.count++] = seen->items[i];
		else
			seen->items[kept++] = seen->items[i];
	}
	seen->count = kept;
	keep_last(seen);
	keep_last(&dropped);
	kept = 0;
	for (size_t i = 0; i < seen->count; i++) {
		if (is_dropped(&dropped, &seen->items[i]))
			free(seen->items[i].path);
		else
			seen->items[kept++] = seen->items[i];
	}
	seen->count = kept;
	return 0;
}

int seen_read(int work_fd, struct seen *seen)
{
	_cleanup_free_ char *text = NULL;
	ssize_t len = sys_read_file(work_fd, SEEN_LOG, SEEN_MAX, &text);
	size_t at = 0;
	struct seen_entry entry;
	int r = 0;

	if (len < 0)
		return len == -ENOENT ? 0 : (int)len;
	while (r == 0 && at < (size_t)len) {
		if (!entry_at(text, (size_t)len, at, &entry)) {
			at++;
			continue;
		}
		r = add_item(seen, &entry, text + at + sizeof(entry));
		at += sizeof(entry) + le16toh(entry.path_len);
	}
	return r == 0 ? settle(seen) : r;
}

void seen_release(struct seen *seen)
{
	for (size_t i = 0; i < seen->count; i++)
		free(seen->items[i].path);
	free(seen->items);
	*seen = (struct seen){0};
}

bool seen_find(const struct seen *seen, const char *path, struct layout_base *ret_base)
{
	const struct seen_item *found = find(seen, path);

	if (found)
		*ret_base = found->base;
	return found;
}
