#!/bin/bash
# The worker is killed while a program uses files that have no name: it goes on as if nothing was.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cat >"$dir/client.py" <<'E2'
import mmap, os, stat, sys

def wait():
    print("kill", flush=True)
    assert sys.stdin.readline() == "go on\n"

def check(name, fd, content, links):
    st = os.fstat(fd)
    assert (st.st_nlink, st.st_size) == (links, len(content)), (name, st)
    assert os.pread(fd, 100, 0) == content, (name, os.pread(fd, 100, 0))

def write(fd, content):
    os.ftruncate(fd, len(content))
    os.pwrite(fd, content, 0)

def made(name, content):
    fd = os.open(name, os.O_RDWR | os.O_CREAT)
    os.write(fd, content)
    return fd

files = {}
files["tmp"] = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o600), b"tmp"
os.write(files["tmp"][0], b"tmp")
files["removed"] = made("removed", b"removed"), b"removed"
os.unlink("removed")
files["replaced"] = made("replaced", b"replaced"), b"replaced"
os.close(os.open("new", os.O_WRONLY | os.O_CREAT))
os.rename("new", "replaced")
files["copied"] = os.open("given", os.O_RDWR), b"given\n"
os.unlink("given")
files["deep"] = os.open("given_dir/given", os.O_RDWR), b"given\n"
os.unlink("given_dir/given")
os.rmdir("given_dir")
files["two"] = made("two", b"two"), b"two"
os.link("two", "names")
os.unlink("two")
# Not open when one of its names goes, nor known by the other since.
os.close(made("last", b"last"))
os.link("last", "first")
os.unlink("first")
files["last"] = os.open("last", os.O_RDWR), b"last"
lower = os.open("given_too", os.O_RDONLY)
os.unlink("given_too")
gone = os.open("gone_dir/sub/given", os.O_RDONLY)
os.unlink("gone_dir/sub/given")
os.rmdir("gone_dir/sub")
os.rmdir("gone_dir")
fifo = os.open("given_fifo", os.O_RDWR)
os.chmod("given_fifo", 0o666)
os.unlink("given_fifo")
mapped = made("mapped", b"\0" * 4096)
m = mmap.mmap(mapped, 4096)
os.unlink("mapped")

for turn in b"1", b"2":
    wait()
    check("lower", lower, b"given\n", 0)
    check("gone", gone, b"given\n", 0)
    # Copied now, though nothing leads to it.
    for fd in lower, gone:
        if turn == b"2":
            assert os.fstat(fd).st_mode & 0o777 == 0o601
            assert os.getxattr(fd, "user.x") == b"1"
        os.fchmod(fd, 0o601)
        os.setxattr(fd, "user.x", turn)
        check("copied", fd, b"given\n", 0)
    st = os.fstat(fifo)
    assert stat.S_ISFIFO(st.st_mode) and st.st_nlink == 0
    m[0:1] = turn
    m.flush()
    assert os.pread(mapped, 1, 0) == turn
    for name, (fd, content) in files.items():
        links = 1 if name in ("two", "last") else 0
        check(name, fd, content, links)
        os.fchmod(fd, 0o640)
        os.setxattr(fd, "user.x", turn)
        write(fd, turn)
        check(name, fd, turn, links)
        again = os.open("/proc/self/fd/%d" % fd, os.O_RDWR)
        os.close(again)
        os.fsync(fd)
        write(fd, content)
    with open("names") as f:
        assert f.read() == "two"

tmp, two = files["tmp"][0], files["two"][0]
os.link("/proc/self/fd/%d" % tmp, "linked", src_dir_fd=os.open(".", os.O_RDONLY), follow_symlinks=True)
check("linked", tmp, b"tmp", 1)
wait()
check("linked", tmp, b"tmp", 1)
with open("linked", "ab") as f:
    f.write(b"more")
check("linked", tmp, b"tmpmore", 1)
os.unlink("linked")
os.unlink("names")
os.unlink("last")
wait()
check("linked", tmp, b"tmpmore", 0)
check("two", two, b"two", 0)
m.close()
print("done", flush=True)
E2

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

no_hidden() {
	[[ ! $(find "$store/sessions/0/s1/"*/work -mindepth 1) ]]
}

body() {
	local before said v

	mkdir -p "$share/given_dir" "$share/gone_dir/sub"
	echo given | tee "$share"/{given,given_too,given_dir/given} >"$share/gone_dir/sub/given"
	mkfifo "$share/given_fifo"
	before=$(snapshot "$share")
	mount_start
	v=$(session_make s1)
	cd "$v"
	rm -f "$dir/said" "$dir/told"
	mkfifo "$dir/said" "$dir/told"
	"$python" "$dir/client.py" <"$dir/told" >"$dir/said" &
	exec 3>"$dir/told" 4<"$dir/said"
	while read -r said <&4 && [[ $said == kill ]]; do
		kill_worker
		echo "go on" >&3
	done
	exec 3>&- 4<&-
	wait $! || fail "the program failed"
	is "$said" "done"
	cd /
	within 5 no_hidden
	is "$(ls "$v")" replaced
	mount_stop
	is "$(snapshot "$share")" "$before" "the lower"
}

both_ways body
