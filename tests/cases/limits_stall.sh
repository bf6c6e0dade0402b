#!/bin/bash
# A part of the share that does not answer stops nobody but who asks for it.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

blocked=100
stall=
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

cat >"$dir/prompt.py" <<'E2'
import fcntl, os, subprocess, sys, time

# Each operation is answered within 100 ms. A busy machine may take a process off that long, but not
# time after time.
mnt, view, other, cli = sys.argv[1:]
counter = 0


def read(path):
    with open(path) as f:
        return f.read()


def new(directory):
    global counter
    counter += 1
    return f"{directory}/new{counter}"


def make_and_remove(directory):
    path = new(directory)
    with open(path, "w") as f:
        f.write("x")
    os.rename(path, path + ".moved")
    os.unlink(path + ".moved")


def take_and_free(path):
    os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    os.unlink(path)


def lock_and_close(path):
    for i in range(2):
        fd = os.open(path, os.O_CREAT | os.O_RDWR)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(fd)


def make_directory(directory):
    path = new(directory)
    os.mkdir(path)
    os.listdir(path)
    os.rmdir(path)


def ask_ctl():
    fd = os.open(f"{mnt}/ctl", os.O_RDWR)
    os.write(fd, b'{"op": "whoami"}')
    assert b'"ok"' in os.read(fd, 65536)
    os.close(fd)


operations = {
    "stat": lambda: os.stat(f"{view}/plain"),
    "stat of what is absent": lambda: os.path.exists(new(view)),
    "read": lambda: read(f"{view}/plain"),
    "make, write, rename, unlink": lambda: make_and_remove(view),
    "mkdir, readdir, rmdir": lambda: make_directory(view),
    "the same in a directory": lambda: make_and_remove(f"{view}/sub"),
    "copy-up": lambda: os.chmod(f"{view}/sub/file", 0o600),
    "a lock": lambda: take_and_free(f"{view}/sub/a.lock"),
    "flock": lambda: lock_and_close(f"{view}/sub/file"),
    "beside the stalled directory": lambda: os.stat(f"{view}/net/good/f{counter}"),
    "read beside it": lambda: read(f"{view}/net/good/f{counter}"),
    "list beside it": lambda: os.listdir(f"{view}/net/good"),
    "other share: stat": lambda: os.stat(f"{other}/plain"),
    "other share: make": lambda: make_and_remove(other),
    "statfs": lambda: os.statvfs(view),
    "status.json": lambda: read(f"{mnt}/status.json"),
    "locks.json": lambda: read(f"{mnt}/locks.json"),
    "whoami.json": lambda: read(f"{mnt}/whoami.json"),
    "ctl": ask_ctl,
    "sessionfs ls": lambda: subprocess.run([cli, "ls"], check=True, stdout=subprocess.DEVNULL),
}
for name, operation in operations.items():
    for attempt in range(5):
        begun = time.monotonic()
        operation()
        took = time.monotonic() - begun
        if took < 0.1:
            break
    else:
        sys.exit(f"{name}: {took * 1000:.0f} ms")
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

threads_are_few() {
	(($(worker_threads) <= 20))
}

# block WHAT DIRECTORY: stalls it, with as many clients in it.
block() {
	local paths=() i line

	for ((i = 0; i < blocked; i++)); do
		# Not those whose attributes a listing brings along.
		paths+=("$2/f$((999 - i))")
	done
	coproc "$python" "$dir/blocked.py" "$1" "${paths[@]}"
	clients=$COPROC_PID
	read -r line <&"${COPROC[0]}"
	is "$line" begun
	kill -USR1 "$stall"
	echo >&"${COPROC[1]}"
	within 10 threads_reach "$blocked"
}

setup() {
	mkdir "$share/sub" "$dir/other"
	echo plain | tee "$share/plain" "$share/sub/file" >"$dir/other/plain"
	stall_mount "$share/net"
	mount_with "$@" --share "$dir/other"
	v=$(session_make s1)
	other=$mnt/sessions/0/s1$dir/other
	ls "$v/net/stall" >/dev/null
}

teardown() {
	mount_stop
	stall_umount
	rm -rf "${share:?}"/* "$dir/other" "$dir/net" "$store"
}

others_are_answered_beside() {
	block "$1" "$v/net/stall"
	timeout 30 "$python" "$dir/prompt.py" "$mnt" "$v" "$other" "$cli" || fail "not prompt"
	kill -USR2 "$stall"
	wait "$clients" || fail "a client got an error"
}

# A lock in a directory that does not answer, which the daemon looks after once a second.
locks_are_looked_after_beside() {
	share_options='lock=f999' setup
	exec 3<"$v/net/stall/f999"
	flock 3
	block stat "$v/net/stall"
	for ((n = 0; n < 3; n++)); do
		# Its holder dies with it.
		setsid sh -Cc ": >'$v/sub/a$n.lock'"
		within 5 absent_now "$share/sub/a$n.lock"
	done
	kill -USR2 "$stall"
	wait "$clients" || fail "a client got an error"
	exec 3<&-
	teardown
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
within 10 threads_are_few
teardown
# Without passthrough the daemon has a descriptor, to close which the file system is asked.
setup --no-passthrough
others_are_answered_beside close
teardown
locks_are_looked_after_beside
the_kernel_is_told_beside
echo "passed"
