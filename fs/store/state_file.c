/* SPDX-License-Identifier: MIT */
/*
 * Small state files: a header with length and checksum, then the bytes.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "store/layout.h"

#define STATE_MAX (64u << 20)

struct state_header {
	char magic[8];
	uint64_t len_le;  /* bytes after this header */
	uint64_t hash_le; /* XXH3 of those bytes */
};

static const char state_magic[] = "sfstate1";

int store_state_read(struct store *store, const char *name, void **ret_data, size_t *ret_len)
{
	_cleanup_free_ char *content = NULL;
	ssize_t size = sys_read_file(store->fd, name, STATE_MAX, &content);
	struct state_header header;
	size_t len;

	if (size == -EFBIG)
		return -EBADMSG;
	if (size < 0)
		return (int)size;
	if ((size_t)size < sizeof(header))
		return -EBADMSG;
	memcpy(&header, content, sizeof(header));
	len = (size_t)size - sizeof(header);
	if (memcmp(header.magic, state_magic, sizeof(header.magic)) != 0 ||
	    le64toh(header.len_le) != len ||
	    le64toh(header.hash_le) != XXH3_64bits(content + sizeof(header), len))
		return -EBADMSG;
	/* The NUL that ends the file's text stays behind the data. */
	memmove(content, content + sizeof(header), len + 1);
	*ret_data = TAKE_PTR(content);
	*ret_len = len;
	return 0;
}

int store_state_write(struct store *store, const char *name, const void *data, size_t len)
{
	_cleanup_free_ char *content = NULL;
	struct state_header header = {
		.len_le = htole64(len),
		.hash_le = htole64(XXH3_64bits(data, len)),
	};

	if (len > STATE_MAX - sizeof(header))
		return -EFBIG;
	content = malloc(sizeof(header) + len);
	if (!content)
		return -ENOMEM;
	memcpy(header.magic, state_magic, sizeof(header.magic));
	memcpy(content, &header, sizeof(header));
	if (len)
		memcpy(content + sizeof(header), data, len);
	return sys_write_file_durable(store->fd, name, content, sizeof(header) + len, 0600);
}

int store_state_remove(struct store *store, const char *name)
{
	if (unlinkat(store->fd, name, 0))
		return errno == ENOENT ? 0 : -errno;
	return fsync(store->fd) ? -errno : 0;
}

uint64_t store_number(const struct store *store)
{
	struct stat st = {0};
	uint64_t key[2];

	/* Of an open directory that cannot fail. */
	fstat(store->fd, &st);
	key[0] = st.st_dev;
	key[1] = st.st_ino;
	return XXH3_64bits(key, sizeof(key));
}
