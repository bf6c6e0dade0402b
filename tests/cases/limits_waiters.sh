#!/bin/bash
# Those who wait for a lock, or for the other end of a FIFO, stop nobody else.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

waiters=64

cat >"$dir/wait.py" <<'E2'
import fcntl, os, sys, threading

# As many waiters as asked for, each with an open file of its own; prints what all of them got, at
# their end.
path, how, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
got = 0


def flock(fd):
    fcntl.flock(fd, fcntl.LOCK_EX)


def ofd(fd):
    import struct

    F_OFD_SETLKW = 38
    fcntl.fcntl(fd, F_OFD_SETLKW, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))


def wait():
    global got
    fd = os.open(path, os.O_RDWR)
    globals()[how](fd)
    got += 1
    os.close(fd)


threads = [threading.Thread(target=wait) for _ in range(count)]
[t.start() for t in threads]
[t.join() for t in threads]
print(got)
E2

# Both of one file in the share's lower, and of a private one.
setup() {
	mkdir "$share/sub" "$dir/other"
	echo plain | tee "$share/plain" "$share/sub/file" >"$dir/other/plain"
	mount_with "${way[@]}" --share "$dir/other"
	v=$(session_make s1)
	other=$mnt/sessions/0/s1$dir/other
	: >"$v/sub/wait.lock"
	: >"$v/sub/private"
}

waiting() {
	(($(status waiters) >= $1))
}

prompt() {
	timeout 60 "$python" "$here/lib_prompt.py" "$mnt" "$cli" "$v" "$other" || fail "not prompt"
}

# wait_for FILE HOW
wait_for() {
	local clients

	exec 3>"$1"
	"$python" - "$2" <<-'E2'
		import fcntl, struct, sys

		if sys.argv[1] == "flock":
		    fcntl.flock(3, fcntl.LOCK_EX)
		else:
		    fcntl.fcntl(3, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
	E2
	"$python" "$dir/wait.py" "$1" "$2" "$waiters" >"$dir/got" 3>&- &
	clients=$!
	within 20 waiting "$waiters"
	prompt
	is "$(status waiters)" "$waiters"
	exec 3>&-
	wait "$clients"
	is "$(cat "$dir/got")" "$waiters"
}

# in_open PID...: each of them waits for the other end of a FIFO.
in_open() {
	local pid

	for pid; do
		grep -q wait_for_partner "/proc/$pid/wchan" || return 1
	done
}

a_fifo_without_a_writer() {
	local i readers=()

	mkfifo "$v/sub/fifo"
	for ((i = 0; i < 20; i++)); do
		cat "$v/sub/fifo" >/dev/null &
		readers+=($!)
	done
	within 10 in_open "${readers[@]}"
	prompt
	exec 3>"$v/sub/fifo"
	exec 3>&-
	wait "${readers[@]}"
}

each() {
	setup
	wait_for "$v/sub/wait.lock" flock
	wait_for "$v/sub/wait.lock" ofd
	wait_for "$v/sub/private" flock
	a_fifo_without_a_writer
	mount_stop
	rm -rf "$dir/other"
}

both_ways each
