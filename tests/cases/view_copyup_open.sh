#!/bin/bash
# Copy-up of what is open: nothing that is done through an old descriptor, also one reopened through
# /proc, ever reaches the lower; a new open sees what was written.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

body() {
	local view
	for name in a b c d e f g; do
		echo -n "lower-$name" >"$share/$name"
	done
	printf "big\\n%.0s" {1..75000} >"$share/big"
	snapshot "$share" >"$dir/before"
	mount_start
	view=$(session_make one)
	timeout 30 "$python" - "$view" <<'PY'
import ctypes, errno, os, stat, sys, threading, time

os.chdir(sys.argv[1])
ESTALE = errno.ESTALE


def read(path):
    with open(path) as file:
        return file.read()


# A reader holds the lower's file open while another program writes.
reader = open("a")
assert reader.read() == "lower-a"
number = os.stat("a").st_ino
with open("a", "r+") as file:
    file.write("UPPER")
assert read("a") == "UPPER-a"
assert os.stat("a").st_ino == number == os.fstat(reader.fileno()).st_ino

# The reader's descriptor, reopened for writing: refused, or the write is private.
try:
    with open(f"/proc/self/fd/{reader.fileno()}", "r+") as again:
        again.write("again")
except OSError as error:
    assert error.errno == ESTALE, error
os.fchmod(reader.fileno(), 0o611)

# A file of two names, both of which the kernel knows: also by the other name it is the written one.
os.mkdir("two")
os.link("big", "two/B")
time.sleep(1.2)
with open("/proc/sys/vm/drop_caches", "w") as file:
    file.write("2")
assert os.stat("big").st_ino == os.stat("two/B").st_ino
reader = open("big")
assert reader.read(3) == "big"
with open("two/B", "r+") as file:
    file.write("BIG")
assert (read("big")[:3], read("two/B")[:3]) == ("BIG", "BIG"), (read("big")[:3], read("two/B")[:3])
os.truncate("big", 0)
assert (read("big"), read("two/B")) == ("", ""), (read("big")[:3], read("two/B")[:3])

# Truncated by path, changed by descriptor, then written.
reader = open("b")
os.truncate("b", 3)
assert read("b") == "low"
reader = open("c")
os.fchmod(reader.fileno(), 0o640)
assert stat.S_IMODE(os.stat("c").st_mode) == 0o640
assert reader.read() == "lower-c"
with open("c", "a") as file:
    file.write("+")
assert read("c") == "lower-c+"

# Whoever opens the name after a reader tried so finds the copy, before the kernel would look again.
reader = open("f")
begun = time.monotonic()
try:
    open(f"/proc/self/fd/{reader.fileno()}", "r+").close()
except OSError as error:
    assert error.errno == ESTALE, error
os.truncate("f", 20)
while len(read("f")) != 20:
    assert time.monotonic() < begun + 0.8, "the old content, by name"

# Both a reader's descriptor and one of the copy are left when the name goes: they are of one file.
reader = open("g")
writer = os.open("g", os.O_RDONLY | os.O_TRUNC)
os.unlink("g")
os.fstat(writer)
os.fchmod(reader.fileno(), 0o751)
assert stat.S_IMODE(os.fstat(writer).st_mode) == 0o751

# Removed while open: what is done to it stays away from the lower.
reader = open("d")
os.unlink("d")
try:
    with open(f"/proc/self/fd/{reader.fileno()}", "r+") as again:
        again.write("XX")
except OSError as error:
    assert error.errno == ESTALE, error
os.fchmod(reader.fileno(), 0o600)
os.fchown(reader.fileno(), 5, 5)
assert os.fstat(reader.fileno()).st_uid == 5

# Readers and one writer at the same time, again and again on a fresh name of one lower file.
errors = []


def look():
    try:
        for _ in range(200):
            assert read("e")[1:] == "ower-e"
    except Exception as error:
        errors.append(error)


threads = [threading.Thread(target=look) for _ in range(4)]
for thread in threads:
    thread.start()
with open("e", "r+") as file:
    file.write("L")
for thread in threads:
    thread.join()
assert not errors, errors
assert read("e") == "Lower-e"
PY
	mount_stop
	snapshot "$share" >"$dir/after"
	same "$dir/before" "$dir/after" "the lower"
}

both_ways body
