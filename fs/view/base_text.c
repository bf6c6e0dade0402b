/* SPDX-License-Identifier: MIT */
#include "view/base_text.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "store/store.h"
#include "view/copydata.h"

#define BASES "../" STORE_BASES
#define SUFFIX ".json"
#define TEXT_NAME_SIZE 64

bool base_text_is_wanted(const char *name)
{
	size_t len = strlen(name);

	return len >= strlen(SUFFIX) && strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0;
}

static void text_name(const char *path, const struct layout_base *base, char ret[TEXT_NAME_SIZE])
{
	uint64_t key[4] = {XXH3_64bits(path, strlen(path)), base->ino, base->mtime_ns,
			   base->ctime_ns};

	for (size_t i = 0; i < ARRAY_SIZE(key); i++)
		key[i] = htole64(key[i]);
	snprintf(ret, TEXT_NAME_SIZE, BASES "/%016llx",
		 (unsigned long long)XXH3_64bits(key, sizeof(key)));
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       memcmp(&a->st_mtim, &b->st_mtim, sizeof(a->st_mtim)) == 0 &&
	       memcmp(&a->st_ctim, &b->st_ctim, sizeof(a->st_ctim)) == 0;
}

void base_text_keep(struct layer_dir *dir, const char *name, const struct stat *lower)
{
	int work = dir->view->work_fd;
	char path[PATH_MAX], temporary[VIEW_TEMPORARY_SIZE], kept[TEXT_NAME_SIZE];
	_cleanup_close_ int src = -1, dst = -1;
	struct layout_base disk, base;
	struct stat before, copied;

	if (!S_ISREG(lower->st_mode) || lower->st_size > BASE_TEXT_MAX ||
	    !base_text_is_wanted(name) || layer_dir_lower_path(dir, name, path, sizeof(path)) < 0)
		return;
	layout_encode_base(lower, &disk);
	if (layout_decode_base(&disk, &base) < 0)
		return;
	text_name(path, &base, kept);
	src = openat(dir->lower, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (src < 0 || fstat(src, &before) || !is_same(&before, lower))
		return;
	mkdirat(work, BASES, 0700);
	view_temporary_name(temporary);
	dst = openat(work, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (dst < 0)
		return;
	if (copydata(src, dst, NULL, &copied) < 0 || !is_same(&copied, lower) ||
	    renameat(work, temporary, work, kept))
		unlinkat(work, temporary, 0);
}

int base_text_read(int work_fd, const char *path, const struct layout_base *base,
		   struct buf *ret_text)
{
	_cleanup_free_ char *content = NULL;
	char name[TEXT_NAME_SIZE];
	ssize_t size;

	text_name(path, base, name);
	size = sys_read_file(work_fd, name, BASE_TEXT_MAX, &content);
	if (size < 0)
		return (int)size;
	buf_add(ret_text, content, (size_t)size);
	return buf_failed(ret_text) ? -ENOMEM : 0;
}
