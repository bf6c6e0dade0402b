#!/bin/bash
# The worker is killed again and again: no program sees an error, nothing that was written is lost.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

kills=20

other_worker() {
	local now

	now=$(worker_pid)
	[[ $now && $now != "$1" ]]
}

kill_worker() {
	local pid

	pid=$(worker_pid)
	kill -9 "$pid"
	within 5 other_worker "$pid"
}

# Between two of its operations on the mount.
while_idle() {
	local n restarts

	mkdir -p "$share/dir"
	echo lower >"$share/file"
	mount_start
	v=$(session_make s1)
	cd "$v/dir"
	exec 3>>"$v/log" 4<"$v/file" 5<"$v"
	echo first >&3
	restarts=$(status worker_restarts)
	is "$restarts" 0
	for ((n = 1; n <= kills; n++)); do
		kill_worker
		echo "$n" >&3
		echo "$n" >"made$n"
		is "$(cat "$v/dir/made$n")" "$n"
		mv "made$n" "../moved$n"
		is "$(pwd -P)" "$v/dir"
		is "$(status worker_restarts)" "$n"
		is "$(status worker_pid)" "$(worker_pid)"
	done
	is "$(wc -l <"$v/log")" $((kills + 1))
	is "$(cat <&4)" lower
	is "$(find /proc/self/fd/5/ -name 'moved*' | wc -l)" "$kills"
	exec 3>&- 4<&- 5<&-
	cd /
	is "$(cat "$share/file")" lower
	absent "$share/log"
	mount_stop
}

cat >"$dir/client.py" <<'E2'
import mmap, os, sys

# Reads and writes a file that it has open, until it is told to stop. Prints what it did.
path, stop = sys.argv[1:]
fd = os.open(path, os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 1 << 16)
m = mmap.mmap(fd, 1 << 16)
n = 0
print("begun", flush=True)
while not os.path.exists(stop):
    n += 1
    block = n.to_bytes(8, "little") * 512
    at = (n % 15) * 4096
    assert os.pwrite(fd, block, at) == 4096
    assert os.pread(fd, 4096, at) == block
    assert m[at : at + 4096] == block
    m[61440:61448] = n.to_bytes(8, "little")
    assert os.pread(fd, 8, 61440) == n.to_bytes(8, "little")
os.fsync(fd)
print(n, flush=True)
E2

# While a program reads and writes an open file, which the kernel does by itself with passthrough.
while_a_file_is_used() {
	local n client last

	echo lower >"$share/file"
	mount_start
	[[ $(status passthrough) == true ]] || skip "no passthrough here"
	v=$(session_make s1)
	mkfifo "$dir/said"
	"$python" "$dir/client.py" "$v/file" "$dir/stop" >"$dir/said" &
	client=$!
	exec 3<"$dir/said"
	read -r line <&3
	is "$line" begun
	for ((n = 1; n <= kills; n++)); do
		kill_worker
		is "$(status worker_restarts)" "$n"
		kill -0 "$client" || fail "the program ended"
	done
	: >"$dir/stop"
	wait "$client" || fail "the program failed"
	read -r last <&3
	exec 3<&-
	((last > kills)) || fail "it did not write meanwhile: $last rounds"
	is "$(dd if="$v/file" bs=8 skip=$((61440 / 8)) count=1 status=none | od -An -td8 | tr -d ' ')" "$last"
	is "$(cat "$share/file")" lower
	mount_stop
	rm -f "$dir/said" "$dir/stop"
}

# ends_as WANTED VERB...: not hanging, with a message that says why.
ends_as() {
	local wanted=$1 got=0

	shift
	timeout 30 "$cli" "$@" >"$dir/stopped.$1" || got=$?
	is "$got" "$wanted" "$*"
	grep -q 'does not answer' "$dir/stopped.$1" || fail "$* says $(cat "$dir/stopped.$1")"
}

# A signal stops one thread after the other: those that run on may answer once more.
all_stopped() {
	! grep -L '^State:.T' "/proc/$1/task"/*/status | grep -q .
}

# A worker that hangs: whoever asks is told so.
while_stopped() {
	local worker verbs=()

	mount_start
	worker=$(worker_pid)
	kill -STOP "$worker"
	within 10 all_stopped "$worker"
	# Twice: whoever continues it in this moment is not what this is about.
	sleep 0.2
	kill -STOP "$worker"
	within 10 all_stopped "$worker"
	for verb in '12 status' '1 doctor' '12 locks' '12 events --follow' '12 umount'; do
		# shellcheck disable=SC2086
		ends_as $verb &
		verbs+=($!)
	done
	for verb in "${verbs[@]}"; do
		wait "$verb"
	done
	is "$(jq -r '.error.checks[] | select(.name == "mount") | .result' "$dir/stopped.doctor")" fail
	[[ $(jq -r .error.suggestion "$dir/stopped.status") == *"sessionfs umount --force $mnt" ]] ||
		fail "$(cat "$dir/stopped.status")"
	kill -CONT "$worker"
	"$cli" status >/dev/null
	mount_stop
}

both_ways while_idle
while_stopped
echo "while_stopped: passed"
while_a_file_is_used
echo "while_a_file_is_used: passed"
