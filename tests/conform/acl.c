/* SPDX-License-Identifier: MIT */
#include "acl.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

/* The layout of linux/posix_acl_xattr.h, little-endian. */
#define VERSION 2
#define NO_ID 0xffffffffu

struct entry {
	uint16_t tag, perm;
	uint32_t id;
};

static const struct {
	char letter;
	bool named;
	uint16_t tag;
} tags[] = {
	{'u', false, 0x01}, {'u', true, 0x02},  {'g', false, 0x04},
	{'g', true, 0x08},  {'m', false, 0x10}, {'o', false, 0x20},
};

#define N_TAGS (sizeof(tags) / sizeof(*tags))

static struct entry encode_one(const struct world *world, char *text)
{
	char *name = strchr(text, ':'), *perm = name ? strchr(name + 1, ':') : NULL;
	struct entry entry = {.id = NO_ID};
	uid_t uid;
	gid_t gid;

	if (!perm)
		broken("no ACL entry: %s", text);
	*perm++ = 0;
	name++;
	for (size_t i = 0; i < N_TAGS; i++)
		if (tags[i].letter == *text && tags[i].named == (*name != 0))
			entry.tag = tags[i].tag;
	if (*name) {
		word_owner(world, name, &uid, &gid);
		entry.id = *text == 'u' ? uid : gid;
	}
	entry.perm = (uint16_t)((strchr(perm, 'r') ? 4 : 0) | (strchr(perm, 'w') ? 2 : 0) |
				(strchr(perm, 'x') ? 1 : 0));
	return entry;
}

size_t acl_encode(const struct world *world, const char *text, char data[ACL_SIZE_MAX])
{
	uint32_t version = htole32(VERSION);
	size_t n = sizeof(version);
	char copy[256], *rest = NULL;

	memcpy(data, &version, sizeof(version));
	snprintf(copy, sizeof(copy), "%s", text);
	for (char *one = strtok_r(copy, ",", &rest); one; one = strtok_r(NULL, ",", &rest)) {
		struct entry entry = encode_one(world, one);

		entry.tag = htole16(entry.tag);
		entry.perm = htole16(entry.perm);
		entry.id = htole32(entry.id);
		if (n + sizeof(entry) > ACL_SIZE_MAX)
			broken("too long an ACL: %s", text);
		memcpy(data + n, &entry, sizeof(entry));
		n += sizeof(entry);
	}
	return n;
}

static void say_entry(struct world *world, const struct entry *entry)
{
	size_t i = 0;

	while (i < N_TAGS && tags[i].tag != le16toh(entry->tag))
		i++;
	say(world, "%c:", i < N_TAGS ? tags[i].letter : '?');
	if (i < N_TAGS && tags[i].named)
		say_owner(world, le32toh(entry->id), le32toh(entry->id));
	say(world, ":%c%c%c,", le16toh(entry->perm) & 4 ? 'r' : '-',
	    le16toh(entry->perm) & 2 ? 'w' : '-', le16toh(entry->perm) & 1 ? 'x' : '-');
}

void acl_say(struct world *world, const char *data, size_t size)
{
	struct entry entry;

	for (size_t at = sizeof(uint32_t); at + sizeof(entry) <= size; at += sizeof(entry)) {
		memcpy(&entry, data + at, sizeof(entry));
		say_entry(world, &entry);
	}
}
