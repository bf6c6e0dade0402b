#!/bin/bash
# What is done by descriptors from before a change (a copy-up, an unlink, a rename) stays within the
# view too: they may have been opened on the lower's file.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cat >"$dir/steps.py" <<'E2'
import errno, mmap, os, sys, time

def opened(name, flags=os.O_RDONLY):
    return os.open(name, flags)

def read(name):
    with open(name, "rb") as f:
        return f.read()

def mode(fd):
    return os.fstat(fd).st_mode & 0o7777

# Open to read, change its attributes, then open to write: the first must not bind the second.
for number, change in enumerate((lambda n: os.chmod(n, 0o600), lambda n: os.utime(n, (1, 1)), lambda n: os.chown(n, 3, 4),
               lambda n: os.setxattr(n, "user.x", b"1"), lambda n: os.link(n, n + ".link"),
               lambda n: os.rename(n, n + ".moved"))):
    name = "attributes%d" % number
    fd = opened(name)
    change(name)
    if os.path.exists(name + ".moved"):
        name += ".moved"
    w = opened(name, os.O_WRONLY)
    assert os.write(w, b"OURS") == 4
    os.close(w)
    assert read(name) == b"OURSr\n", name
    assert os.pread(fd, 4, 0) in (b"lowe", b"OURS")
    os.close(fd)

# By a descriptor from before a change: what another did to the file, and what it does itself.
def in_time(what):
    until = time.monotonic() + 5
    while not what():
        assert time.monotonic() < until
fd = opened("twin")
with open("twin", "w") as f:
    f.write("x")
# The kernel is told a moment later.
in_time(lambda: os.fstat(fd).st_size == 1)
for number in range(20):
    os.fchmod(fd, 0o600 + number)
    assert os.stat("twin").st_mode & 0o777 == 0o600 + number
    os.chmod("twin", 0o640 + number)
    assert mode(fd) == 0o640 + number
w = opened("twin", os.O_WRONLY)
os.unlink("twin")
assert os.fstat(fd).st_nlink == os.fstat(w).st_nlink == 0
os.close(w)
os.close(fd)

# A file that is read from the lower goes on being one, with all its names, when it is renamed.
fd = opened("renamed")
os.rename("renamed", "renamed.to")
assert os.fstat(fd).st_nlink == 1
os.fchmod(fd, 0o611)
assert os.stat("renamed.to").st_mode & 0o777 == 0o611
os.close(fd)

# Copied up for its attributes, it can be opened to read through /proc as before.
fd = opened("read_again")
os.fchmod(fd, 0o640)
again = opened("/proc/self/fd/%d" % fd)
assert os.pread(again, 5, 0) == b"lower"
os.close(again)
os.close(fd)

# Two names, of which one is replaced: the other is the same file for who has it open.
os.link("two", "two.other")
os.stat("two")
w = opened("two.other", os.O_RDWR)
os.stat("two")
with open("over", "w") as f:
    f.write("over")
os.rename("over", "two")
os.mkdir("moved_above")
os.rename("two.other", "moved_above/two")
os.rename("moved_above", "moved_here")
fd = opened("moved_here/two")
for number in range(20):
    os.fchmod(w, 0o600 + number)
    assert mode(fd) == 0o600 + number
os.close(fd)
os.close(w)

# Open to read, and write by another descriptor: the same, without a change of attributes.
fd = opened("written")
with open("written", "ab") as f:
    f.write(b"more\n")
assert read("written") == b"lower\nmore\n"
os.fchmod(fd, 0o604)
assert mode(fd) == 0o604 and os.stat("written").st_mode & 0o7777 == 0o604
assert os.fstat(fd).st_ino == os.stat("written").st_ino
os.close(fd)

# Cut by its path while open.
fd = opened("cut")
os.truncate("cut", 2)
assert read("cut") == b"lo"
os.close(fd)

# Mapped while written.
fd = opened("mapped")
m = mmap.mmap(fd, 0, prot=mmap.PROT_READ, flags=mmap.MAP_PRIVATE)
with open("mapped", "r+b") as f:
    f.write(b"OURS")
assert read("mapped") == b"OURSr\n" and m[:4] in (b"lowe", b"OURS")
del m
os.close(fd)

# Removed, and changed by the descriptor that is left.
fd = opened("removed")
os.unlink("removed")
assert os.fstat(fd).st_nlink == 0
os.fchmod(fd, 0o777)
assert mode(fd) == 0o777
os.fchown(fd, 5, 6)
assert (os.fstat(fd).st_uid, os.fstat(fd).st_gid) == (5, 6)
os.utime(fd, (5, 5))
os.setxattr(fd, "user.x", b"1")
assert os.getxattr(fd, "user.x") == b"1"
assert os.pread(fd, 5, 0) == b"lower"
os.close(fd)

# Removed, and opened again by its descriptor.
fd = opened("reopened")
os.unlink("reopened")
try:
    w = opened("/proc/self/fd/%d" % fd, os.O_RDWR)
    os.pwrite(w, b"OURS", 0)
    assert os.pread(w, 5, 0) == b"OURSr"
    os.ftruncate(w, 1)
    os.close(w)
except OSError as e:
    # While the kernel reads the lower's file for another descriptor, none can write a copy.
    assert e.errno == errno.ESTALE and sys.argv[1] == "true", e
os.close(fd)

# Replaced by a rename.
fd = opened("replaced")
with open("new", "w") as f:
    f.write("new\n")
os.rename("new", "replaced")
os.fchmod(fd, 0o711)
assert mode(fd) == 0o711 and read("replaced") == b"new\n"
assert os.stat("replaced").st_mode & 0o7777 != 0o711
os.close(fd)

# In a directory that is removed.
fd = opened("removed_dir/file")
d = opened("removed_dir", os.O_RDONLY | os.O_DIRECTORY)
os.unlink("removed_dir/file")
os.rmdir("removed_dir")
os.fchmod(fd, 0o700)
assert mode(fd) == 0o700
try:
    os.fchmod(d, 0o711)
except OSError as e:
    assert e.errno in (errno.ENOENT, errno.ESTALE), e
try:
    os.open("x", os.O_CREAT | os.O_WRONLY, dir_fd=d)
    assert False, "made a file in a directory that is gone"
except OSError as e:
    assert e.errno in (errno.ENOENT, errno.ESTALE), e
os.close(d)
os.close(fd)

# One that the kernel alone has opened, when it is removed or replaced.
os.mkdir("path_only")
d = opened("path_only", os.O_PATH | os.O_DIRECTORY)
os.rmdir("path_only")
assert mode(d) == os.stat(".", dir_fd=d).st_mode & 0o7777 == 0o755
os.close(d)
os.mkdir("path_only")
os.mkdir("takes_its_place")
d = opened("path_only", os.O_PATH | os.O_DIRECTORY)
os.rename("takes_its_place", "path_only")
assert mode(d) == os.stat(".", dir_fd=d).st_mode & 0o7777 == 0o755
os.close(d)

# A directory's descriptor, from before its copy-up and its rename.
d = opened("dir", os.O_RDONLY | os.O_DIRECTORY)
os.rename("dir", "moved_dir")
os.fchmod(d, 0o700)
assert os.stat("moved_dir").st_mode & 0o7777 == 0o700
os.close(os.open("made", os.O_CREAT | os.O_WRONLY, dir_fd=d))
assert sorted(os.listdir("moved_dir")) == ["file", "made"]
os.close(d)

E2

body() {
	local before v name

	cd "$share"
	for name in attributes{0..5} twin renamed read_again two written cut mapped removed reopened replaced; do
		echo lower >"$name"
	done
	mkdir dir removed_dir
	touch dir/file removed_dir/file
	cd /
	before=$(snapshot "$share")
	mount_start
	v=$(session_make s1)
	cd "$v"
	"$python" "$dir/steps.py" "$(status passthrough)"
	cd /
	is "$(snapshot "$share")" "$before" "the lower"
	mount_stop
	is "$(snapshot "$share")" "$before" "the lower"
}

both_ways body
