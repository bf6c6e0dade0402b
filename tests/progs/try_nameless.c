/* SPDX-License-Identifier: MIT */
/*
 * Tries files that have no name, or lost it, in the working directory, where `given_1` to `given_4`
 * (files of one line), `given_dir`, `setgid_dir` (2777, of another group) and `acl_dir` (with a
 * default ACL) are. Prints what came of each.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "say.h"

static void show(const char *what, int fd)
{
	char acl[1000], data[20] = "";
	struct stat st;

	if (fstat(fd, &st)) {
		say(what, -1);
		return;
	}
	say("  ACL", fgetxattr(fd, "system.posix_acl_access", acl, sizeof(acl)));
	if (pread(fd, data, sizeof(data) - 1, 0) < 0)
		strcpy(data, strerrorname_np(errno));
	printf("%s: mode %o, links %ld, owner %d:%d, size %ld, data %s\n", what, st.st_mode,
	       (long)st.st_nlink, (int)st.st_uid, (int)st.st_gid, (long)st.st_size, data);
}

static void show_name(const char *name)
{
	int fd = open(name, O_RDONLY);

	if (fd < 0)
		return say(name, -1);
	show(name, fd);
	close(fd);
}

static long link_by_proc(int fd, const char *name)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, path, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

static int open_by_proc(int fd, int flags)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags);
}

static void try_made(const char *dir, int extra, mode_t mode, mode_t mask)
{
	char name[100];
	int fd, again;

	umask(mask);
	fd = open(dir, O_TMPFILE | O_RDWR | extra, mode);
	printf("O_TMPFILE in %s, flags %x, mode %o, umask %o\n", dir, extra, mode, mask);
	say("open", fd < 0 ? -1 : 0);
	if (fd < 0)
		return;
	show("made", fd);
	SAY(write(fd, "made\n", 5));
	SAY(fchmod(fd, 0604));
	SAY(fsetxattr(fd, "user.x", "1", 1, 0));
	again = open_by_proc(fd, O_RDWR | O_APPEND);
	say("again", again < 0 ? -1 : 0);
	SAY(write(again, "again\n", 6));
	show("written", fd);
	snprintf(name, sizeof(name), "%s/made", dir);
	SAY(link_by_proc(fd, name));
	show("linked", fd);
	show_name(name);
	SAY(linkat(fd, "", AT_FDCWD, "by_empty_path", AT_EMPTY_PATH));
	SAY(link_by_proc(fd, "given_1"));
	SAY(write(again, "more\n", 5));
	SAY(unlink("by_empty_path"));
	show_name(name);
	SAY(rename(name, "renamed"));
	show_name("renamed");
	SAY(unlink("renamed"));
	show("unlinked", fd);
	SAY(link_by_proc(fd, name));
	SAY(ftruncate(fd, 2));
	show("cut", again);
	close(fd);
	SAY(write(again, "last", 4));
	show("by the other", again);
	close(again);
}

static void try_refused(void)
{
	SAY(open(".", O_TMPFILE | O_RDONLY, 0600) < 0 ? -1 : 0);
	SAY(open("given_1", O_TMPFILE | O_RDWR, 0600) < 0 ? -1 : 0);
	SAY(open("absent", O_TMPFILE | O_RDWR, 0600) < 0 ? -1 : 0);
	SAY(open("given_dir", O_TMPFILE | O_RDWR, 0600) < 0 ? -1 : 0);
	SAY(open(".", O_TMPFILE | O_RDWR | O_CREAT, 0600) < 0 ? -1 : 0);
	SAY(open(".", O_TMPFILE | O_WRONLY | O_TRUNC | O_DIRECT, 0600) < 0 ? -1 : 0);
}

/* Opened, then removed in one way or another, and used all the same. */
static void try_removed(const char *name, int flags)
{
	char beside[100];
	int fd = (int)MUST(open(name, flags | O_CREAT, 0644));
	int other;
	char *map;

	printf("%s, open with %x\n", name, flags);
	snprintf(beside, sizeof(beside), "%s_beside", name);
	SAY(link(name, beside));
	SAY(unlink(name));
	show("one name of two is gone", fd);
	show_name(beside);
	SAY(link(beside, name));
	show("it is back", fd);
	SAY(unlink(beside));
	SAY(unlink(name));
	show("both are gone", fd);
	SAY(link_by_proc(fd, name));
	SAY(fchmod(fd, 0640));
	SAY(write(fd, "written", 7));
	other = open_by_proc(fd, O_RDWR);
	say("opened again", other < 0 ? -1 : 0);
	if (other >= 0) {
		SAY(pwrite(other, "WRITTEN", 7, 0));
		SAY(ftruncate(other, 4096));
		map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0);
		if (map == MAP_FAILED)
			must("mmap", -1);
		map[7] = '!';
		SAY(msync(map, 4096, MS_SYNC));
		SAY(ftruncate(other, 8));
		munmap(map, 4096);
		close(other);
	}
	show("after all that", fd);
	close(fd);
}

static void try_replaced(const char *name)
{
	int fd = (int)MUST(open(name, O_RDWR));
	int fresh = (int)MUST(open("fresh", O_RDWR | O_CREAT, 0600));

	printf("%s, replaced\n", name);
	MUST(write(fresh, "fresh\n", 6));
	SAY(rename("fresh", name));
	show("replaced", fd);
	show("fresh", fresh);
	show_name(name);
	SAY(pwrite(fd, "OLD", 3, 0));
	SAY(fchmod(fd, 0600));
	show("replaced", fd);
	show_name(name);
	SAY(rename(name, "fresh"));
	show("replaced", fd);
	SAY(unlink("fresh"));
	show("fresh", fresh);
	close(fd);
	close(fresh);
}

int main(void)
{
	try_refused();
	try_made(".", 0, 0666, 022);
	try_made(".", O_EXCL, 0600, 0);
	try_made(".", 0, 06777, 0);
	try_made("given_dir", O_SYNC, 0600, 0);
	try_made("setgid_dir", 0, 02766, 07);
	try_made("acl_dir", 0, 0666, 077);
	umask(022);
	try_removed("given_2", O_RDWR);
	try_removed("given_3", O_RDWR | O_APPEND);
	try_removed("made_1", O_RDWR);
	try_removed("setgid_dir/made_2", O_RDWR | O_SYNC);
	try_replaced("given_4");
	return 0;
}
