#!/bin/bash
# A part of the share that does not answer stops nobody but who asks for it.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

blocked=100
stall=
outsider=
clients=

cat >"$dir/blocked.py" <<'E2'
import os, sys, threading

# As many threads as files, each asks for the attributes of one, or closes one that was opened and
# read before the line on stdin; ends when all are answered.
failed = []
what, paths = sys.argv[1], sys.argv[2:]
asks = os.stat
if what == "close":
    asks = os.close
    paths = [os.open(p, os.O_RDONLY) for p in paths]
    [os.read(fd, 1) for fd in paths]
print("begun", flush=True)
sys.stdin.readline()


def ask(path):
    try:
        asks(path)
    except OSError as e:
        failed.append(e)


threads = [threading.Thread(target=ask, args=(p,)) for p in paths]
[t.start() for t in threads]
[t.join() for t in threads]
if failed:
    sys.exit(f"{len(failed)} of {len(threads)} failed, the first: {failed[0]}")
E2

# stall_mount DIRECTORY
stall_mount() {
	net=$1
	mkdir "$net"
	"$SESSIONFS_PROGS/fuse_stall" "$net" >"$dir/stall.out" &
	stall=$!
	within 5 mountpoint -q "$net"
}

stall_umount() {
	kill -USR2 "$stall"
	umount "$net"
	wait "$stall"
	stall=
}

case_cleanup() {
	[[ $outsider ]] && pkill -P "$outsider"
	[[ $stall ]] || return
	kill -USR2 "$stall"
	umount -l "$net"
	kill "$stall"
}

worker_threads() {
	awk '/^Threads:/ { print $2 }' "/proc/$(worker_pid)/status"
}

threads_reach() {
	(($(worker_threads) >= $1))
}

# block WHAT DIRECTORY: stalls it, with as many clients in it.
block() {
	local paths=() i line

	for ((i = 0; i < blocked; i++)); do
		# Not those whose attributes a listing brings along.
		paths+=("$2/f$((999 - i))")
	done
	# Without the locks that the case holds.
	coproc "$python" "$dir/blocked.py" "$1" "${paths[@]}" 3<&- 4<&-
	clients=$COPROC_PID
	read -r line <&"${COPROC[0]}"
	is "$line" begun
	kill -USR1 "$stall"
	echo >&"${COPROC[1]}"
	within 40 threads_reach "$blocked"
}

setup() {
	mkdir "$share/sub" "$dir/other"
	echo plain | tee "$share/plain" "$share/sub/file" >"$dir/other/plain"
	stall_mount "$share/net"
	mount_with "$@" --share "$dir/other"
	v=$(session_make s1)
	other=$mnt/sessions/0/s1$dir/other
	ls "$v/net/stall" >/dev/null
	# What that brought along is known for a second.
	sleep 1.1
}

teardown() {
	mount_stop
	stall_umount
	rm -rf "${share:?}"/* "$dir/other" "$dir/net" "$store"
}

others_are_answered_beside() {
	block "$1" "$v/net/stall"
	timeout 30 "$python" "$here/lib_prompt.py" "$mnt" "$cli" "$v" "$other" "$v/net/good" || fail "not prompt"
	kill -USR2 "$stall"
	wait "$clients" || fail "a client got an error"
}

# A lock in a directory that does not answer, which the daemon looks after once a second; and one who
# waits for an outsider's lock there, which it tries to get him again and again.
locks_are_looked_after_beside() {
	share_options='lock=f99[89]' setup
	# A process of its own, for whoever closes a file there waits.
	mkfifo "$dir/hold"
	flock "$net/stall/f998" cat "$dir/hold" >/dev/null &
	outsider=$!
	within 5 held "$net/stall/f998"
	exec 3<"$v/net/stall/f999" 4>"$v/sub/wait.lock"
	flock 3
	flock 4
	flock "$v/net/stall/f998" true 3<&- 4<&- &
	there=$!
	flock "$v/sub/wait.lock" true 3<&- 4<&- &
	here=$!
	within 5 waiting 2
	block stat "$v/net/stall"
	# The holder dies at once.
	setsid sh -Cc ": >'$v/sub/a.lock'"
	within 5 absent_now "$share/sub/a.lock"
	exec 4>&-
	within 2 waiting 1
	wait "$here"
	kill -0 "$there" || fail "does not wait for who has it"
	kill -USR2 "$stall"
	wait "$clients" || fail "a client got an error"
	echo >"$dir/hold"
	outsider=
	wait "$there"
	exec 3<&-
	teardown
}

# waiting COUNT: so many wait for a lock.
waiting() {
	(($(status waiters) == $1))
}

held() {
	! flock -n "$1" true
}

absent_now() {
	[[ ! -e $1 ]]
}

cat >"$dir/follow.py" <<'E2'
import os, select, subprocess, sys, threading, time

# Told of each event while it waits for it.
mnt, cli = sys.argv[1:]
fd = os.open(f"{mnt}/events", os.O_RDONLY)
poller = select.poll()
poller.register(fd, select.POLLIN)


def create(name):
    while "poll" not in open(f"/proc/self/task/{os.getpid()}/wchan").read():
        time.sleep(0.01)
    subprocess.run([cli, "create", name], check=True, stdout=subprocess.DEVNULL)


for i in range(3):
    while os.read(fd, 65536):
        pass
    creator = threading.Thread(target=create, args=(f"follow{i}",))
    creator.start()
    begun = time.monotonic()
    poller.poll(5000)
    # When its time is over the kernel looks once more, and finds what it was not told of.
    if time.monotonic() - begun > 4:
        sys.exit(f"event {i}: not told")
    creator.join()
E2

# Who asks for a view of it keeps the kernel from hearing that the session has gone.
the_kernel_is_told_beside() {
	stall_mount "$dir/net"
	mount_with --share "$net/stall"
	session_make s2 >/dev/null
	session_make s3 >/dev/null
	kill -USR1 "$stall"
	stat "$mnt/sessions/0/s2$net/stall" >/dev/null 2>&1 &
	clients=$!
	within 5 asks "$clients"
	timeout 10 "$cli" rm s2 >/dev/null
	timeout 10 "$cli" rm s3 >/dev/null
	timeout 20 "$python" "$dir/follow.py" "$mnt" "$cli" || fail "not told"
	absent "$mnt/sessions/0/s3"
	kill -USR2 "$stall"
	wait "$clients" || true
	teardown
}

# asks PID: it is in a request to the daemon.
asks() {
	[[ $(cat "/proc/$1/wchan") == *request_wait* || $(cat "/proc/$1/wchan") == *fuse* ]]
}

setup
others_are_answered_beside stat
teardown
# Without passthrough the daemon has a descriptor, to close which the file system is asked.
setup --no-passthrough
others_are_answered_beside close
teardown
locks_are_looked_after_beside
the_kernel_is_told_beside
echo "passed"
