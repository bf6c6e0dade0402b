/* SPDX-License-Identifier: MIT */
/* One operation from drawing to comparison. */
#include "op.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct op_kind *const families[] = {
	ops_open, ops_data, ops_names, ops_attr, ops_xattr, ops_map, ops_list,
};

#define FAMILIES (sizeof(families) / sizeof(families[0]))

static bool allowed(const struct world *world, const struct op_kind *kind)
{
	return !(kind->traits & OP_MAPS) || !world->options.no_mmap;
}

static const struct op_kind *draw_kind(struct world *world)
{
	unsigned total = 0, at;

	for (size_t f = 0; f < FAMILIES; f++)
		for (const struct op_kind *kind = families[f]; kind->name; kind++)
			if (allowed(world, kind))
				total += kind->weight;
	at = (unsigned)random_below(&world->random, total);
	for (size_t f = 0; f < FAMILIES; f++)
		for (const struct op_kind *kind = families[f]; kind->name; kind++) {
			if (!allowed(world, kind))
				continue;
			if (at < kind->weight)
				return kind;
			at -= kind->weight;
		}
	return NULL;
}

static void draw(struct world *world, struct op *op)
{
	static const uid_t users[] = {1000, 1001};
	static const mode_t umasks[] = {0, 022, 027, 077};
	const struct op_kind *kind;

	do {
		kind = draw_kind(world);
		memset(op, 0, sizeof(*op));
		op->kind = kind;
		op->slot = -1;
	} while (!kind->draw(world, op));
	op->as = random_chance(&world->random, 15) ? RANDOM_OF(&world->random, users) : 0;
	op->umask = RANDOM_OF(&world->random, umasks);
	for (int i = 0; i < op->n_places; i++)
		if (fstatat(place_fd(world, &op->places[i], MODEL), op->places[i].path,
			    &op->before[i], AT_SYMLINK_NOFOLLOW))
			memset(&op->before[i], 0, sizeof(op->before[i]));
}

static void set_capabilities(bool any, bool fsetid)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		err(2, "capget");
	for (int i = 0; i < 2; i++)
		data[i].effective = any ? data[i].permitted : 0;
	if (!fsetid)
		data[0].effective &= ~(1u << CAP_FSETID);
	if (syscall(SYS_capset, &header, data))
		err(2, "capset");
}

/* Only for the file system: who the process is stays. */
static void become(const struct op *op)
{
	if (op->as) {
		setfsgid(op->as);
		setfsuid(op->as);
	}
	/* DIFFERENCE_SET_ID */
	if (op->as || op->kind->traits & OP_WRITES)
		set_capabilities(!op->as, !(op->kind->traits & OP_WRITES));
}

static void become_root(void)
{
	set_capabilities(true, true);
	setfsuid(0);
	setfsgid(0);
}

static const char *outcome(long result, char buffer[64])
{
	if (result >= 0)
		snprintf(buffer, 64, "%ld", result);
	else
		snprintf(buffer, 64, "%s", strerrorname_np((int)-result));
	return buffer;
}

static void show_arguments(const struct world *world, const struct op *op, char *ret, size_t size)
{
	size_t len = 0;
	char place[PLACE_PATH + 16];

#define SHOW(...) (len += (size_t)snprintf(ret + len, len < size ? size - len : 0, __VA_ARGS__))
	ret[0] = '\0';
	for (int i = 0; i < op->n_places; i++) {
		place_show(world, &op->places[i], place, sizeof(place));
		SHOW(" %s", place);
	}
	for (int i = 0; i < op->n_files; i++)
		SHOW(" f%d", (int)(op->files[i] - world->files));
	if (op->dir)
		SHOW(" d%d", (int)(op->dir - world->dirs));
	if (op->map)
		SHOW(" m%d", (int)(op->map - world->maps));
	if (op->slot >= 0)
		SHOW(" s%d", op->slot);
	if (op->text)
		SHOW(" \"%s\"", op->text);
	if (op->flags)
		SHOW(" flags=%#o", (unsigned)op->flags);
	if (op->mode)
		SHOW(" mode=%#o", op->mode);
	if (op->offset || op->offset2 || op->length)
		SHOW(" at=%lld,%lld+%zu", (long long)op->offset, (long long)op->offset2,
		     op->length);
	if (op->uid || op->gid)
		SHOW(" to=%d:%d", (int)op->uid, (int)op->gid);
	if (op->how)
		SHOW(" how=%d", op->how);
	if (op->as)
		SHOW(" as=%d", (int)op->as);
	if (op->umask)
		SHOW(" umask=%03o", op->umask);
#undef SHOW
}

void op_run(struct world *world)
{
	long result[SIDES];
	char shown[SIDES][64], arguments[300];
	struct op op;

	draw(world, &op);
	show_arguments(world, &op, arguments, sizeof(arguments));
	umask(op.umask);
	become(&op);
	for (int side = 0; side < SIDES; side++)
		result[side] = op.kind->act(world, &op, side);
	become_root();
	umask(0);
	log_line(world, "%llu %s%s = %s%s%s", (unsigned long long)world->number, op.kind->name,
		 arguments, outcome(result[VIEW], shown[VIEW]),
		 result[VIEW] == result[MODEL] ? "" : " | ",
		 result[VIEW] == result[MODEL] ? "" : outcome(result[MODEL], shown[MODEL]));
	if (op.kind->traits & OP_READS && (result[VIEW] >= 0) == (result[MODEL] >= 0)) {
		const uint8_t *const data[SIDES] = {world->buffer[VIEW], world->buffer[MODEL]};
		const struct former *former = op.map       ? &op.map->former
					      : op.n_files ? &op.files[0]->former
							   : NULL;

		verify_bytes(world, former, op.offset, data, result, op.kind->name);
	} else if (result[VIEW] != result[MODEL]) {
		mismatch(world, "%s: the view says %s, the model %s", op.kind->name, shown[VIEW],
			 outcome(result[MODEL], shown[MODEL]));
	}
	if (op.kind->done)
		op.kind->done(world, &op, result[MODEL]);
	verify_op(world, &op);
}
