/* SPDX-License-Identifier: MIT */
#include "store/session_meta.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/sys.h"

#define META_MAX 4096
/* "xxh3 " and 16 digits and a newline. */
#define CHECKSUM_LEN 22

/* The members need no escaping: numbers, and ids of a closed alphabet. */
void session_meta_render(const struct session_meta *meta, struct buf *buf)
{
	size_t begin = buf->len;

	buf_add_format(buf,
		       "{\"uid\": %u, \"id\": \"%s\", \"flags\": %u, \"posix_sid\": %u, "
		       "\"posix_start_ticks\": %llu, \"created_real_ns\": %llu, "
		       "\"used_real_ns\": %llu, \"boot_id\": \"%s\"}\n",
		       meta->uid, meta->id, meta->flags, meta->posix_sid,
		       (unsigned long long)meta->posix_start_ticks,
		       (unsigned long long)meta->created_real_ns,
		       (unsigned long long)meta->used_real_ns, proc_boot_id());
	if (buf_failed(buf))
		return;
	buf_add_format(buf, "xxh3 %016llx\n",
		       (unsigned long long)XXH3_64bits(buf->data + begin, buf->len - begin));
}

/* A number of at most `max`; false where it is not there. */
static bool get_number(const json_t *object, const char *key, uint64_t max, uint64_t *ret)
{
	const json_t *value = json_object_get(object, key);
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < 0 || (uint64_t)number > max)
		return false;
	*ret = (uint64_t)number;
	return true;
}

static int parse_members(const json_t *object, struct session_meta *meta)
{
	const char *boot = json_string_value(json_object_get(object, "boot_id"));
	uint64_t flags, sid, ticks, created, used;

	if (!get_number(object, "flags", UINT32_MAX, &flags) ||
	    !get_number(object, "posix_sid", UINT32_MAX, &sid) ||
	    !get_number(object, "posix_start_ticks", INT64_MAX, &ticks) ||
	    !get_number(object, "created_real_ns", INT64_MAX, &created) ||
	    !get_number(object, "used_real_ns", INT64_MAX, &used) || !boot)
		return -EBADMSG;
	meta->flags = (uint32_t)flags;
	meta->posix_sid = (uint32_t)sid;
	meta->posix_start_ticks = ticks;
	meta->created_real_ns = created;
	meta->used_real_ns = used;
	meta->other_boot = strcmp(boot, proc_boot_id()) != 0;
	return 0;
}

int session_meta_parse(const char *text, size_t len, struct session_meta *meta)
{
	_cleanup_json_ json_t *object = NULL;
	char checksum[CHECKSUM_LEN + 1];
	struct err err;

	if (len <= CHECKSUM_LEN)
		return -EBADMSG;
	len -= CHECKSUM_LEN;
	snprintf(checksum, sizeof(checksum), "xxh3 %016llx\n",
		 (unsigned long long)XXH3_64bits(text, len));
	if (memcmp(checksum, text + len, CHECKSUM_LEN) != 0)
		return -EBADMSG;
	object = json_parse(text, len, STORE_META, &err);
	if (!json_is_object(object))
		return -EBADMSG;
	return parse_members(object, meta);
}

int session_meta_load(int dirfd, struct session_meta *meta)
{
	_cleanup_free_ char *text = NULL;
	struct stat st;
	ssize_t len;
	uint64_t used;
	int r;

	/* A directory that was removed meanwhile can still be looked at: no links are left. */
	if (fstat(dirfd, &st) || st.st_nlink == 0)
		return -ENOENT;
	used = (uint64_t)st.st_mtim.tv_sec * NSEC_PER_SEC + (uint64_t)st.st_mtim.tv_nsec;
	len = sys_read_file(dirfd, STORE_META, META_MAX, &text);
	r = len < 0 ? (int)len : session_meta_parse(text, (size_t)len, meta);
	if (!r) {
		if (used > meta->used_real_ns)
			meta->used_real_ns = used;
		return 0;
	}
	log_warning("session %u/%s: its metadata is %s; it goes on with defaults", meta->uid,
		    meta->id,
		    r == -EBADMSG  ? "damaged"
		    : r == -ENOENT ? "missing"
				   : "unreadable");
	meta->flags = meta->posix_sid = 0;
	meta->posix_start_ticks = 0;
	meta->other_boot = false;
	meta->created_real_ns = used;
	meta->used_real_ns = clock_real_ns();
	return 0;
}
