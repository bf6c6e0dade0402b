#!/bin/bash
# Opening a large file of the share to write: copied once, however many want it; meanwhile everything
# else answers; a full disk, a kill of the worker or of the program leaves nothing half done.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

: "${SESSIONFS_PROGS:=$here/../../build/tests/progs}"
size=$((16 << 20))
small_store=$dir/small
holder=
trap 'kill $holder 2>/dev/null || true; umount -l "$small_store" 2>/dev/null || true; on_exit' EXIT

# What the worker has written, by whichever call.
worker_wrote() {
	awk '/^wchar/ { print $2 }' "/proc/$(worker_pid)/io"
}

waiters_are() {
	(($(status waiters) == $1))
}

# Copies do not get on until they are released: they are the work of new threads.
hold_copies() {
	local said

	mkfifo "$dir/hold" "$dir/held"
	"$SESSIONFS_PROGS/hold_threads" "$(worker_pid)" <"$dir/hold" >"$dir/held" &
	holder=$!
	exec 8>"$dir/hold" 9<"$dir/held"
	read -r said <&9
	is "$said" ready
	rm "$dir/hold" "$dir/held"
}

release_copies() {
	echo go >&8
	exec 8>&- 9<&-
	wait "$holder"
	holder=
}

# write_at NUMBER FILE: as a program of its own, so that one is killed without the others.
cat >"$dir/write_at.py" <<'E2'
import os, sys

number, name = int(sys.argv[1]), sys.argv[2]
fd = os.open(name, os.O_RDWR)
assert os.pwrite(fd, b"%02d" % number, 4096 * number) == 2
E2

cat >"$dir/meanwhile.py" <<'E2'
import os, sys, time

# What others do with the file whose copy is under way, and in its directory.
name, size = sys.argv[1], int(sys.argv[2])
began = time.monotonic()
for _ in range(20):
    assert os.stat(name).st_size == size
    fd = os.open(name, os.O_RDONLY)
    assert os.pread(fd, 5, size - 5) == b"last\n"
    os.close(fd)
    os.chmod(name, 0o640)
    assert os.stat(name).st_mtime == 1000
    os.close(os.open("made", os.O_CREAT | os.O_WRONLY))
    os.rename("made", "moved")
    os.unlink("moved")
    assert name in os.listdir(".")
    with open("beside", "a") as f:
        f.write("more\n")
    with open("seen", "w") as f:
        f.write("x")
assert time.monotonic() - began < 5
E2

make_lower() {
	head -c $((size - 5)) /dev/zero >"$share/huge"
	echo last >>"$share/huge"
	touch -d @1000 "$share/huge"
	cp -p "$share/huge" "$share/other"
	echo beside >"$share/beside"
}

# many FILE: sixteen programs open it to write while its copy is held.
many() {
	local before after n writers=()

	before=$(worker_wrote)
	hold_copies
	for n in {0..15}; do
		"$python" "$dir/write_at.py" "$n" "$1" &
		writers+=($!)
	done
	within 20 waiters_are 16
	timeout 20 "$python" "$dir/meanwhile.py" "$1" "$size"
	waiters_are 16 || fail "an open came back before the copy"
	release_copies
	for n in "${writers[@]}"; do
		wait "$n" || fail "a writer failed"
	done
	after=$(worker_wrote)
	((after - before > size * 9 / 10)) || fail "it is not the worker that copies: $((after - before))"
	((after - before < size * 3 / 2)) || fail "copied more than once: $((after - before))"
	for n in {0..15}; do
		is "$(dd if="$1" bs=2 skip=$((2048 * n)) count=1 status=none)" "$(printf %02d "$n")"
	done
	is "$(stat -c %s "$1")" "$size"
	is "$(tail -c 5 "$1")" last
}

once() {
	local v

	make_lower
	mount_start
	v=$(session_make s1)
	cd "$v"
	many huge
	# Renamed, so that it is in the upper but for its data.
	mv other renamed
	ln renamed link
	many link
	is "$(stat -c %i:%h link)" "$(stat -c %i:%h renamed)"
	cmp link renamed
	cd /
	mount_stop
}

other_worker() {
	local now

	now=$(worker_pid)
	[[ $now && $now != "$1" ]]
}

# The worker is killed while it copies: the opens go on as if nothing had been.
killed() {
	local v pid n name writers

	make_lower
	mount_start
	v=$(session_make s1)
	mv "$v/other" "$v/renamed"
	for name in huge renamed; do
		hold_copies
		writers=()
		for n in 1 2 3; do
			"$python" "$dir/write_at.py" "$n" "$v/$name" &
			writers+=($!)
		done
		within 20 waiters_are 3
		pid=$(worker_pid)
		kill -9 "$pid"
		within 5 other_worker "$pid"
		release_copies
		for n in "${writers[@]}"; do
			wait "$n" || fail "a writer failed"
		done
		is "$(stat -c %s "$v/$name")" "$size"
		is "$(tail -c 5 "$v/$name")" last
		for n in 1 2 3; do
			is "$(dd if="$v/$name" bs=2 skip=$((2048 * n)) count=1 status=none)" "0$n"
		done
	done
	mount_stop
}

# The program is killed: its open ends at once, and the copy with it.
abandoned() {
	local v pid

	make_lower
	mount_start
	v=$(session_make s1)
	hold_copies
	"$python" "$dir/write_at.py" 1 "$v/huge" &
	pid=$!
	within 20 waiters_are 1
	# A signal that is handled is none of open's business.
	kill -STOP "$pid"
	kill -CONT "$pid"
	waiters_are 1 || fail "the open ended with a signal"
	kill -TERM "$pid"
	wait "$pid" && fail "it lives"
	within 5 waiters_are 0
	release_copies
	"$python" "$dir/write_at.py" 2 "$v/huge"
	is "$(stat -c %s "$v/huge")" "$size"
	is "$(tail -c 5 "$v/huge")" last
	mount_stop
}

# A full disk: the caller is told so, nothing stays, and the file is as it was.
full() {
	local v said name work

	make_lower
	rm -rf "$store"
	mkdir -p "$small_store"
	mount -t tmpfs -o size=12m tmpfs "$small_store"
	store=$small_store/store mount_start
	v=$(session_make s1)
	cd "$v"
	mv other renamed
	for name in huge renamed; do
		for _ in 1 2; do
			said=$({ printf x 1<>"$name"; } 2>&1) && fail "there was room for $name"
			[[ $said == *"No space left"* ]] || fail "$said"
		done
		is "$(stat -c %s "$name")" "$size"
		is "$(tail -c 5 "$name")" last
		is "$(stat -c %Y "$name")" 1000
	done
	work=$(echo "$small_store/store/sessions/0/s1/"*/work)
	is "$(ls -A "$work")" ""
	(($(du -sm "$small_store/store" | cut -f1) < 3)) || fail "it takes room"
	echo fits >made
	: >huge
	: >renamed
	is "$(stat -c %s huge renamed)" $'0\n0'
	cd /
	mount_stop
	umount "$small_store"
}

both_ways once
both_ways killed
both_ways abandoned
full
echo "full: passed"
