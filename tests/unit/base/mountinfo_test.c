/* SPDX-License-Identifier: MIT */
#include "base/mountinfo.h"

#include <criterion/criterion.h>

Test(mountinfo, a_line_is_taken_apart)
{
	struct mount_info info;

	cr_assert(mountinfo_parse("36 35 98:7 / /mnt rw,noatime shared:1 - fuse.sessionfs src rw",
				  &info));
	cr_assert_eq(info.id, 36);
	cr_assert_eq(info.major, 98);
	cr_assert_eq(info.minor, 7);
	cr_assert_str_eq(info.path, "/mnt");
	cr_assert_str_eq(info.fstype, "fuse.sessionfs");
	cr_assert_str_eq(info.source, "src");
}

Test(mountinfo, optional_fields_may_be_none_or_many)
{
	struct mount_info info;

	cr_assert(mountinfo_parse("1 2 0:3 / /a rw - tmpfs none rw", &info));
	cr_assert_str_eq(info.fstype, "tmpfs");
	cr_assert(mountinfo_parse("1 2 0:3 / /a rw shared:1 master:2 - ext4 none rw", &info));
	cr_assert_str_eq(info.fstype, "ext4");
}

Test(mountinfo, escapes_of_the_mount_point_are_decoded)
{
	struct mount_info info;

	cr_assert(mountinfo_parse("1 2 0:3 / /a\\040b\\134c rw - tmpfs none rw", &info));
	cr_assert_str_eq(info.path, "/a b\\c");
}

Test(mountinfo, malformed_lines_are_refused)
{
	struct mount_info info;

	cr_assert_not(mountinfo_parse("", &info));
	cr_assert_not(mountinfo_parse("1 2 0:3", &info));
	cr_assert_not(mountinfo_parse("1 2 0:3 / /a rw shared:1", &info));
	cr_assert_not(mountinfo_parse("x y 0:3 / /a rw - tmpfs none rw", &info));
}

Test(mountinfo, only_the_root_of_a_mount_is_one)
{
	struct mount_info info;

	cr_assert_eq(mountinfo_at("/proc", &info), 1);
	cr_assert_str_eq(info.fstype, "proc");
	cr_assert_eq(mountinfo_at("/proc/self", &info), 0);
	cr_assert_eq(mountinfo_at("/nothing-here/at/all", &info), 0);
}
