#!/bin/bash
# A large file of the share that is renamed, linked, or gets other attributes stays where it is: its
# data are copied at the first write, and not before.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

overlay=$dir/overlay
trap 'umount -l "$overlay" 2>/dev/null || true; on_exit' EXIT
big=$(((2 << 20) + 100))

# Bytes that the session takes in the store.
used() {
	du -sB1 "$(upper_of s1)" | cut -f1
}

cat >"$dir/steps.py" <<'E2'
import errno, mmap, os, stat, sys

upper, big = sys.argv[1], int(sys.argv[2])
lower_start = b"lower"


def used():
    return sum(os.lstat(os.path.join(d, n)).st_blocks for d, _, names in os.walk(upper) for n in names) * 512


def check(name, start=lower_start, size=big):
    with open(name, "rb") as f:
        assert f.read(5) == start, name
        f.seek(0, 2)
        assert f.tell() == size, name
    assert os.stat(name).st_size == size, name


def unread(name):
    """Nothing was copied, and stat says what it said."""
    assert used() < 1 << 20, (name, used())


before = os.stat("renamed")
reader = os.open("renamed", os.O_RDONLY)
os.rename("renamed", "dir/moved")
unread("renamed")
after = os.stat("dir/moved")
for field in ("st_ino", "st_size", "st_blocks", "st_mtime_ns", "st_mode", "st_uid", "st_nlink"):
    assert getattr(before, field) == getattr(after, field), field
check("dir/moved")
assert not os.path.exists("renamed")
assert os.pread(reader, 5, 0) == lower_start
os.rename("dir/moved", "again")
os.rename("dir", "other")
os.rename("again", "other/moved")
check("other/moved")

# Each change of attributes, with and without somebody who reads.
for number, change in enumerate((
    lambda n: os.chmod(n, 0o600),
    lambda n: os.chown(n, 5, 6),
    lambda n: os.utime(n, (1, 2)),
    lambda n: os.setxattr(n, "user.x", b"1"),
    lambda n: os.link(n, n + ".link"),
)):
    for reads in (False, True):
        name = "attributes%d%d" % (number, reads)
        fd = os.open(name, os.O_RDONLY) if reads else -1
        ino = os.stat(name).st_ino
        change(name)
        check(name)
        assert os.stat(name).st_ino == ino
        if reads:
            assert os.pread(fd, 5, 0) == lower_start
            with mmap.mmap(fd, 4096, prot=mmap.PROT_READ, flags=mmap.MAP_SHARED) as m:
                assert m[:5] == lower_start
            os.close(fd)
unread("attributes")
assert os.stat("attributes00").st_mode & 0o7777 == 0o600
assert os.stat("attributes10").st_uid == 5
assert os.stat("attributes20").st_mtime == 2
assert os.getxattr("attributes30", "user.x") == b"1"
assert os.stat("attributes40").st_ino == os.stat("attributes40.link").st_ino
assert os.stat("attributes40").st_nlink == 2

# A hole is where the lower has one.
fd = os.open("holes", os.O_RDONLY)
os.chmod("holes", 0o600)
assert os.lseek(fd, 0, os.SEEK_DATA) == big - 4096 - big % 4096, os.lseek(fd, 0, os.SEEK_DATA)
assert os.stat("holes").st_blocks < 1024
os.close(fd)

# The first write brings the data, to all the names, and changes nothing else.
ino = os.stat("other/moved").st_ino
with open("other/moved", "r+b") as f:
    f.write(b"OURS!")
check("other/moved", b"OURS!")
assert os.stat("other/moved").st_ino == ino
# Who had it open goes on, with the old content where the kernel reads the lower for him.
assert os.pread(reader, 5, 0) in (lower_start, b"OURS!")
os.close(reader)
with open("attributes40.link", "ab") as f:
    f.write(b"more")
check("attributes40", size=big + 4)
check("attributes40.link", size=big + 4)
assert os.stat("attributes40").st_ino == os.stat("attributes40.link").st_ino
assert os.stat("attributes20").st_mtime == 2
fd = os.open("attributes20", os.O_RDWR)
os.close(fd)
assert os.stat("attributes20").st_mtime == 2
assert os.stat("attributes20").st_blocks * 512 >= big
assert os.stat("attributes10").st_uid == 5

# Truncated: by open, which copies nothing, and by its path.
now = used()
for name in ("attributes00", "attributes01"):
    os.close(os.open(name, os.O_WRONLY | os.O_TRUNC))
    assert os.stat(name).st_size == 0
    assert os.stat(name).st_mode & 0o7777 == 0o600
assert used() <= now
os.truncate("attributes11", 7)
with open("attributes11", "rb") as f:
    assert f.read() == b"lower__"

# Removed, while open: by the descriptor its attributes can be changed, and it can be read.
fd = os.open("attributes31", os.O_RDONLY)
os.unlink("attributes31")
os.fchmod(fd, 0o640)
assert os.fstat(fd).st_mode & 0o7777 == 0o640
assert os.fstat(fd).st_size == big and os.fstat(fd).st_nlink == 0
assert os.pread(fd, 5, 0) == lower_start
os.close(fd)

# Capabilities are set on a file with its data.
os.setxattr("attributes30", "security.capability", bytes((0, 0, 0, 2, 0, 4)) + bytes(14))
check("attributes30")
with open("/proc/self/status") as f:
    pass
assert len(os.getxattr("attributes30", "security.capability")) == 20
E2

body() {
	local before v n name

	mkdir -p "$overlay"
	cd "$share"
	{
		printf lower
		head -c $((big - 5)) /dev/zero | tr '\0' _
	} >renamed
	for n in {0..4}; do
		for name in attributes"$n"{0,1}; do
			cp renamed "$name"
		done
	done
	mkdir dir
	truncate -s $((big - 4096 - big % 4096)) holes
	printf lower >>holes
	truncate -s "$big" holes
	before=$(snapshot .)
	mount_start
	v=$(session_make s1)
	cd "$v"
	touch made
	"$python" "$dir/steps.py" "$(upper_of s1)" "$big"
	mv attributes21 last
	chmod 604 holes
	cd /
	is "$(snapshot "$share")" "$before" "the lower"
	content "$v" >"$dir/view"
	mount_stop
	mount_start
	content "$v" >"$dir/again"
	same "$dir/view" "$dir/again" "after a remount"
	mount_stop
	kernel_overlay
}

# What is left of deferred copies is what the kernel's overlayfs calls so.
kernel_overlay() {
	local upper

	upper=$(upper_of s1)
	mount -t overlay overlay -o \
		"redirect_dir=on,metacopy=on,lowerdir=$share,upperdir=$upper,workdir=${upper%upper}work" \
		"$overlay" || skip "no overlayfs here"
	content "$overlay" >"$dir/overlayfs"
	(($(getfattr -Rh -m 'trusted.overlay.metacopy' "$upper" 2>/dev/null | grep -c '^# file') > 1)) ||
		fail "no copy is deferred"
	umount "$overlay"
	same "$dir/view" "$dir/overlayfs" "the view and the overlayfs over its upper"
}

both_ways body
