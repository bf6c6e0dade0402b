/* SPDX-License-Identifier: MIT */
/*
 * Tries the attributes of lsattr(1) and chattr(1), and the birth time, in the working directory: on
 * a file `given` and a directory `given_dir`, which are there, and on `made` and `made_dir`, which it
 * makes. Prints what came of each. Attributes that no caller can set are left out: they are the
 * file system's own affair.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "say.h"

#define SETTABLE (FS_NODUMP_FL | FS_NOATIME_FL | FS_SYNC_FL | FS_IMMUTABLE_FL | FS_APPEND_FL)
#define SETTABLE_X                                                                                 \
	(FS_XFLAG_NODUMP | FS_XFLAG_NOATIME | FS_XFLAG_SYNC | FS_XFLAG_IMMUTABLE | FS_XFLAG_APPEND)

static void show(const char *name, const char *when)
{
	int fd = (int)MUST(open(name, O_RDONLY));
	struct fsxattr extended = {0};
	unsigned int flags = 0;
	char what[100];

	snprintf(what, sizeof(what), "%s %s: flags", name, when);
	say(what, ioctl(fd, FS_IOC_GETFLAGS, &flags) ? -1 : (long)(flags & SETTABLE));
	snprintf(what, sizeof(what), "%s %s: xflags", name, when);
	say(what, ioctl(fd, FS_IOC_FSGETXATTR, &extended)
			  ? -1
			  : (long)(extended.fsx_xflags & SETTABLE_X));
	close(fd);
}

static void set(const char *name, unsigned int on, unsigned int off)
{
	int fd = (int)MUST(open(name, O_RDONLY));
	unsigned int flags = 0;
	char what[100];

	snprintf(what, sizeof(what), "%s +%x -%x", name, on, off);
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return say(what, -1);
	flags = (flags | on) & ~off;
	say(what, ioctl(fd, FS_IOC_SETFLAGS, &flags));
	show(name, what);
	close(fd);
}

static void set_extended(const char *name, unsigned int on, unsigned int off)
{
	int fd = (int)MUST(open(name, O_RDONLY));
	struct fsxattr extended = {0};
	char what[100];

	snprintf(what, sizeof(what), "%s extended +%x -%x", name, on, off);
	if (ioctl(fd, FS_IOC_FSGETXATTR, &extended))
		return say(what, -1);
	extended.fsx_xflags = (extended.fsx_xflags | on) & ~off;
	say(what, ioctl(fd, FS_IOC_FSSETXATTR, &extended));
	show(name, what);
	close(fd);
}

/* No program of a local file system gets an answer to these. */
static void others(const char *name)
{
	int fd = (int)MUST(open(name, O_RDONLY));
	char data[4096] = {0};

	SAY(ioctl(fd, _IOR('T', 0x7f, int), data));
	SAY(ioctl(fd, _IOW('T', 0x7e, int), data));
	SAY(ioctl(fd, _IO('T', 0x7d), 5));
	SAY(ioctl(fd, 0x5401 /* TCGETS */, data));
	close(fd);
}

static void birth(const char *name)
{
	time_t now = time(NULL);
	struct statx st;
	char what[100];

	MUST(statx(AT_FDCWD, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &st));
	snprintf(what, sizeof(what), "%s: has a birth time", name);
	say(what, !!(st.stx_mask & STATX_BTIME));
	snprintf(what, sizeof(what), "%s: just now, and not before its last change", name);
	say(what, st.stx_btime.tv_sec <= now && st.stx_btime.tv_sec > now - 100 &&
			  st.stx_btime.tv_sec <= st.stx_ctime.tv_sec);
}

static void all(const char *name)
{
	show(name, "at first");
	birth(name);
	set(name, FS_NODUMP_FL, 0);
	set(name, FS_NOATIME_FL | FS_SYNC_FL, FS_NODUMP_FL);
	set_extended(name, FS_XFLAG_NODUMP, FS_XFLAG_SYNC);
	set_extended(name, 0, FS_XFLAG_NODUMP | FS_XFLAG_NOATIME);
	set(name, FS_IMMUTABLE_FL, 0);
	set(name, 0, FS_IMMUTABLE_FL);
	others(name);
	birth(name);
}

int main(void)
{
	int fd = (int)MUST(open("made", O_RDWR | O_CREAT, 0644));

	close(fd);
	MUST(mkdir("made_dir", 0755));
	MUST(symlink("made", "link"));
	all("given");
	all("given_dir");
	all("made");
	all("made_dir");
	birth("link");
	return 0;
}
