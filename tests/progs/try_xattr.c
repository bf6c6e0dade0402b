/* SPDX-License-Identifier: MIT */
/*
 * Tries extended attributes in the working directory, on what is there: `given` (with user.given, and
 * trusted.given, and an ACL), `given_dir` (likewise), `given_link`, `given_fifo`, `other` (of
 * root, 0600), and on the same kinds of what it makes. Prints what came of each.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "say.h"

#define LARGEST (64 << 10)

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The order of a list is the file system's affair, and what a security module adds. */
static void list(const char *path)
{
	char names[LARGEST], *sorted[1000];
	ssize_t size = llistxattr(path, names, sizeof(names));
	size_t count = 0;

	printf("%s: list", path);
	for (ssize_t at = 0; at < size && count < 1000; at += (ssize_t)strlen(names + at) + 1)
		sorted[count++] = names + at;
	qsort(sorted, count, sizeof(*sorted), compare);
	for (size_t i = 0; i < count; i++)
		printf(" %s", sorted[i]);
	printf("%s%s\n", size < 0 ? " " : "", size < 0 ? strerrorname_np(errno) : "");
	printf("%s: list of size 0 as large: %d, of size 1: %s\n", path,
	       llistxattr(path, NULL, 0) == size,
	       llistxattr(path, names, 1) < 0 ? strerrorname_np(errno) : "fits");
}

static void get(const char *path, const char *name)
{
	char value[200] = "", what[300];
	ssize_t size = lgetxattr(path, name, value, sizeof(value));

	snprintf(what, sizeof(what), "%s: get %s", path, name);
	say(what, size);
	if (size > 0 && strncmp(name, "system.", 7) != 0 && strncmp(name, "security.", 9) != 0)
		printf("  \"%.*s\"\n", (int)size, value);
	if (size > 0) {
		say("  asked for its size", lgetxattr(path, name, NULL, 0));
		say("  with too little room", lgetxattr(path, name, value, (size_t)size - 1));
	}
}

static void set(const char *path, const char *name, const char *value, size_t size, int flags)
{
	char what[600];

	snprintf(what, sizeof(what), "%s: set %.80s (%zu), flags %d", path, name, size, flags);
	say(what, lsetxattr(path, name, value, size, flags));
	get(path, name);
}

static void try_namespaces(const char *path)
{
	static const char *const names[] = {
		"user.x", "trusted.x", "security.x", "system.x",   "other.x",
		"user.",  "user",      "",           "user.given",
	};
	char what[200];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		set(path, names[i], "value", 5, XATTR_REPLACE);
		set(path, names[i], "value", 5, XATTR_CREATE);
		set(path, names[i], "other", 5, XATTR_CREATE);
		set(path, names[i], "replaced", 8, XATTR_REPLACE);
		set(path, names[i], "", 0, 0);
		set(path, names[i], "value", 5, 0);
		set(path, names[i], "value", 5, XATTR_CREATE | XATTR_REPLACE);
		list(path);
		snprintf(what, sizeof(what), "%s: remove %s", path, names[i]);
		say(what, lremovexattr(path, names[i]));
		say(what, lremovexattr(path, names[i]));
		get(path, names[i]);
	}
}

static void try_sizes(const char *path)
{
	static char value[LARGEST + 1];
	char name[300] = "user.";

	memset(value, 'v', sizeof(value));
	memset(name + 5, 'n', 250);
	set(path, name, "v", 1, 0);
	say("remove", lremovexattr(path, name));
	name[255] = 'n';
	set(path, name, "v", 1, 0);
	/* What fits depends on the file system; more than this in none. */
	set(path, "user.large", value, LARGEST + 1, 0);
	set(path, "user.1000", value, 1000, 0);
	SAY(lgetxattr(path, "user.1000", value, LARGEST + 1));
	SAY(lgetxattr(path, "user.1000", value, 999));
	say("remove", lremovexattr(path, "user.1000"));
}

/* Attributes with a binary value: version 2 of a capability, and an ACL with a user more. */
static void try_structured(const char *path, int dir)
{
	static const unsigned char capability[20] = {1, 0, 0, 2, 0, 4};
	static const unsigned char acl[] = {
		2,  0, 0, 0,                     /* version */
		1,  0, 6, 0, 255, 255, 255, 255, /* owner rw */
		2,  0, 4, 0, 233, 3,   0,   0,   /* user 1001 r */
		4,  0, 4, 0, 255, 255, 255, 255, /* group r */
		16, 0, 4, 0, 255, 255, 255, 255, /* mask r */
		32, 0, 0, 0, 255, 255, 255, 255, /* others none */
	};
	struct stat st;

	set(path, "security.capability", (const char *)capability, sizeof(capability), 0);
	set(path, "security.capability", "bad", 3, 0);
	set(path, "system.posix_acl_access", (const char *)acl, sizeof(acl), 0);
	set(path, "system.posix_acl_default", (const char *)acl, sizeof(acl), 0);
	set(path, "system.posix_acl_access", "bad", 3, 0);
	if (lstat(path, &st) == 0)
		printf("%s: mode %o\n", path, st.st_mode);
	/* An ACL by who is not of the group takes its bit; he cannot set it again. */
	SAY(chmod(path, 02775));
	SAY(setxattr(path, "system.posix_acl_access", acl, sizeof(acl), 0));
	if (lstat(path, &st) == 0)
		printf("%s: mode %o\n", path, st.st_mode);
	SAY(chmod(path, dir ? 0775 : 0664));
	get(path, "system.posix_acl_access");
	list(path);
	say("remove", lremovexattr(path, "system.posix_acl_access"));
	say("remove", lremovexattr(path, "system.posix_acl_default"));
	say("remove", lremovexattr(path, "security.capability"));
	list(path);
}

/* Names that a view keeps for itself are ordinary ones to whoever works in it. */
static void try_overlay(const char *path)
{
	set(path, "trusted.overlay.opaque", "y", 1, 0);
	set(path, "trusted.overlay.redirect", "/given_dir", 10, 0);
	set(path, "trusted.overlay.overlay.opaque", "y", 1, 0);
	set(path, "trusted.overlay.", "y", 1, 0);
	set(path, "trusted.overlay.opaque", "n", 1, XATTR_REPLACE);
	set(path, "user.overlay.opaque", "y", 1, 0);
	list(path);
	say("remove", lremovexattr(path, "trusted.overlay.opaque"));
	get(path, "trusted.overlay.opaque");
	list(path);
}

static void try_all(const char *path, int dir)
{
	char given[100];

	list(path);
	get(path, "user.given");
	get(path, "trusted.given");
	get(path, "system.posix_acl_access");
	get(path, "user.absent");
	/* Changed first of all, where it came from below. */
	snprintf(given, sizeof(given), "%s: remove user.given", path);
	say(given, lremovexattr(path, "user.given"));
	list(path);
	try_namespaces(path);
	try_sizes(path);
	try_structured(path, dir);
	try_overlay(path);
}

int main(void)
{
	umask(022);
	close((int)MUST(open("made", O_RDWR | O_CREAT, 0644)));
	MUST(mkdir("made_dir", 0755));
	MUST(symlink("made", "made_link"));
	MUST(mkfifo("made_fifo", 0644));
	try_structured("given_setgid", 0);
	try_structured("made", 0);
	try_all("given", 0);
	try_all("made", 0);
	try_all("given_dir", 1);
	try_all("made_dir", 1);
	try_all("given_link", 0);
	try_all("made_link", 0);
	try_all("given_fifo", 0);
	try_all("made_fifo", 0);
	try_all("other", 0);
	try_all("absent", 0);
	return 0;
}
