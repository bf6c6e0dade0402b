/* SPDX-License-Identifier: MIT */
/* Extended attributes and ACLs. A path is not followed; SLOT: is an open file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "acl.h"
#include "verbs.h"

#define VALUE_MAX (1u << 17)

static char value[VALUE_MAX];

static int set(const struct world *world, const char *path, const char *name, const void *data,
	       size_t size, int flags)
{
	struct at at = word_at(world, path);

	return at.slot ? fsetxattr(at.fd, name, data, size, flags)
		       : lsetxattr(at.path, name, data, size, flags);
}

static ssize_t get(const struct world *world, const char *path, const char *name, size_t size)
{
	struct at at = word_at(world, path);

	return at.slot ? fgetxattr(at.fd, name, value, size)
		       : lgetxattr(at.path, name, value, size);
}

/* setxattr PATH NAME VALUE [CREATE|REPLACE] */
static void do_setxattr(struct world *world, char **arg)
{
	static const struct flag_name names[] = {
		{"CREATE", XATTR_CREATE},
		{"REPLACE", XATTR_REPLACE},
		{"BAD", 0x100},
		{NULL, 0},
	};

	say_done(world, set(world, arg[0], arg[1], arg[2], strlen(arg[2]),
			    (int)word_flags(names, arg[3])));
}

/* getxattr PATH NAME [SIZE] */
static void do_getxattr(struct world *world, char **arg)
{
	ssize_t n = get(world, arg[0], arg[1], arg[2] ? (size_t)word_number(arg[2]) : VALUE_MAX);

	if (n < 0)
		say_done(world, n);
	else if (arg[2] && word_number(arg[2]) == 0)
		say_number(world, n);
	else
		say_bytes(world, value, (size_t)n);
}

/* removexattr PATH NAME */
static void do_removexattr(struct world *world, char **arg)
{
	struct at at = word_at(world, arg[0]);

	say_done(world, at.slot ? fremovexattr(at.fd, arg[1]) : lremovexattr(at.path, arg[1]));
}

static int by_name(const void *one, const void *two)
{
	return strcmp(*(char *const *)one, *(char *const *)two);
}

/* Sorted, and without what a security module put there. */
static void say_list(struct world *world, size_t size)
{
	char *names[256];
	size_t n = 0;

	for (char *name = value; name < value + size && n < 256; name += strlen(name) + 1)
		if (strncmp(name, "security.selinux", 16) != 0)
			names[n++] = name;
	if (n)
		qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n; i++)
		say(world, "%s ", names[i]);
	say(world, "(%zu)", n);
}

/* listxattr PATH [SIZE] */
static void do_listxattr(struct world *world, char **arg)
{
	size_t size = arg[1] ? (size_t)word_number(arg[1]) : VALUE_MAX;
	struct at at = word_at(world, arg[0]);
	ssize_t n = at.slot ? flistxattr(at.fd, value, size) : llistxattr(at.path, value, size);

	if (n < 0)
		say_done(world, n);
	else if (size == 0)
		say_number(world, n);
	else
		say_list(world, (size_t)n);
}

/* setacl PATH access|default ENTRIES */
static void do_setacl(struct world *world, char **arg)
{
	char data[ACL_SIZE_MAX];
	size_t size = acl_encode(world, arg[2], data);
	const char *name = strcmp(arg[1], "default") == 0 ? ACL_DEFAULT : ACL_ACCESS;

	say_done(world, set(world, arg[0], name, data, size, 0));
}

/* getacl PATH access|default */
static void do_getacl(struct world *world, char **arg)
{
	const char *name = strcmp(arg[1], "default") == 0 ? ACL_DEFAULT : ACL_ACCESS;
	ssize_t n = get(world, arg[0], name, VALUE_MAX);

	if (n < 0)
		say_done(world, n);
	else
		acl_say(world, value, (size_t)n);
}

/* setcaps PATH: a file capability (net_raw, permitted and effective) */
static void do_setcaps(struct world *world, char **arg)
{
	static const unsigned char caps[20] = {1, 0, 0, 2, 0, 0x20};

	say_done(world, set(world, arg[0], "security.capability", caps, sizeof(caps), 0));
}

const struct verb verbs_xattr[] = {
	{"setxattr", 3, 4, do_setxattr},       {"getxattr", 2, 3, do_getxattr},
	{"removexattr", 2, 2, do_removexattr}, {"listxattr", 1, 2, do_listxattr},
	{"setacl", 3, 3, do_setacl},           {"getacl", 2, 2, do_getacl},
	{"setcaps", 1, 1, do_setcaps},         {NULL, 0, 0, NULL},
};
