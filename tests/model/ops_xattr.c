/* SPDX-License-Identifier: MIT */
/* Extended attributes, ACLs and file capabilities. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "op.h"

enum { BY_NAME, BY_LINK, BY_FILE };

static const char *const names[] = {
	"user.a",
	"user.b",
	"user.a",
	"trusted.a",
	"user.empty",
	"system.posix_acl_access",
	"security.capability",
	"user.",
	"system.posix_acl_default",
};

/* u::rw-, u:1000:rwx, g::r--, m::rwx, o::--- in the kernel's layout. */
static const uint8_t acl[] = {
	2, 0,   0,   0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,   7,
	0, 232, 3,   0,   0,   4,   0,  4, 0,   255, 255, 255, 255, 16,  0,
	7, 0,   255, 255, 255, 255, 32, 0, 0,   0,   255, 255, 255, 255,
};

/* Revision 2, effective, CAP_NET_BIND_SERVICE. */
static const uint8_t capability[20] = {1, 0, 0, 2, 0, 4};

static bool draw_name(struct world *world, struct op *op)
{
	op->text = RANDOM_OF(&world->random, names);
	op->how = (int)random_below(&world->random, 3);
	if (op->how == BY_FILE) {
		op->files[0] = world_file(world);
		op->n_files = 1;
		return op->files[0] != NULL;
	}
	place_pick(world, WANT_THERE, &op->places[0]);
	op->n_places = 1;
	return true;
}

static bool draw_set(struct world *world, struct op *op)
{
	static const int flags[] = {0, 0, 0, XATTR_CREATE, XATTR_REPLACE};

	if (!draw_name(world, op))
		return false;
	op->flags = RANDOM_OF(&world->random, flags);
	op->length = random_below(&world->random, random_chance(&world->random, 10) ? 1500 : 100);
	memset(world->scratch, (int)random_below(&world->random, 256), op->length);
	if (strncmp(op->text, "system.posix_acl", 16) == 0 && random_chance(&world->random, 90)) {
		memcpy(world->scratch, acl, sizeof(acl));
		op->length = sizeof(acl);
	} else if (strcmp(op->text, "security.capability") == 0) {
		memcpy(world->scratch, capability, sizeof(capability));
		op->length = sizeof(capability);
	}
	return true;
}

/* The calls that take a path know no directory. Sets *ret_path; 0 or negative errno. */
static long enter(const struct world *world, const struct op *op, int side, const char **ret_path)
{
	*ret_path = op->places[0].path;
	if (op->n_places && fchdir(place_fd(world, &op->places[0], side)))
		return -errno;
	return 0;
}

static long act_set(struct world *world, struct op *op, int side)
{
	const void *value = world->scratch;
	const char *path;
	long r = enter(world, op, side, &path);

	if (r < 0)
		return r;
	if (op->how == BY_FILE)
		return RESULT(
			fsetxattr(op->files[0]->fd[side], op->text, value, op->length, op->flags));
	if (op->how == BY_LINK)
		return RESULT(lsetxattr(path, op->text, value, op->length, op->flags));
	return RESULT(setxattr(path, op->text, value, op->length, op->flags));
}

static long act_get(struct world *world, struct op *op, int side)
{
	void *value = world->buffer[side];
	const char *path;
	long r = enter(world, op, side, &path);

	if (r < 0)
		return r;
	if (op->how == BY_FILE)
		return RESULT(fgetxattr(op->files[0]->fd[side], op->text, value, DATA_MAX));
	if (op->how == BY_LINK)
		return RESULT(lgetxattr(path, op->text, value, DATA_MAX));
	return RESULT(getxattr(path, op->text, value, DATA_MAX));
}

static long act_remove(struct world *world, struct op *op, int side)
{
	const char *path;
	long r = enter(world, op, side, &path);

	if (r < 0)
		return r;
	if (op->how == BY_FILE)
		return RESULT(fremovexattr(op->files[0]->fd[side], op->text));
	if (op->how == BY_LINK)
		return RESULT(lremovexattr(path, op->text));
	return RESULT(removexattr(path, op->text));
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The order is nobody's promise. Returns the bytes. */
static long sort_list(uint8_t *list, long size)
{
	char *items[64], *copy = malloc((size_t)size + 1);
	size_t count = 0;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, list, (size_t)size);
	for (long at = 0; at < size && count < 64; at += (long)strlen(copy + at) + 1)
		items[count++] = copy + at;
	qsort(items, count, sizeof(items[0]), by_text);
	for (size_t i = 0; i < count; i++)
		list = (uint8_t *)stpcpy((char *)list, items[i]) + 1;
	free(copy);
	return size;
}

static long act_list(struct world *world, struct op *op, int side)
{
	char *list = (char *)world->buffer[side];
	const char *path;
	long r = enter(world, op, side, &path);

	if (r < 0)
		return r;
	if (op->how == BY_FILE)
		r = RESULT(flistxattr(op->files[0]->fd[side], list, DATA_MAX));
	else if (op->how == BY_LINK)
		r = RESULT(llistxattr(path, list, DATA_MAX));
	else
		r = RESULT(listxattr(path, list, DATA_MAX));
	return r < 0 ? r : sort_list(world->buffer[side], r);
}

const struct op_kind ops_xattr[] = {
	{"setxattr", 25, 0, draw_set, act_set, NULL},
	{"getxattr", 15, OP_READS, draw_name, act_get, NULL},
	{"removexattr", 10, 0, draw_name, act_remove, NULL},
	{"listxattr", 10, OP_READS, draw_name, act_list, NULL},
	{0},
};
