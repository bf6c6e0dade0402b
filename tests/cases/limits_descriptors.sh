#!/bin/bash
# Users who hold as many files open as they can do not bring the daemon to the end of its own
# descriptors, though it has few: everybody else goes on, and so do they with what they have open.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

limit=400
files=1500
dirs=600
locks=200

cat >"$dir/hold.py" <<'END'
import errno, fcntl, os, sys

# Opens what it is told, uses each, says so; uses each again when it is told to, and ends.
kind, top, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
held = []
for n in range(count):
    name = f"{top}/{kind}{n}"
    if kind == "dir":
        os.mkdir(name)
        open(f"{name}/in", "w").close()
        held.append(os.open(name, os.O_RDONLY | os.O_DIRECTORY))
    elif kind == "gone":
        open(name, "w").close()
        held.append(os.open(name, os.O_PATH))
        os.unlink(name)
    elif kind == "lock":
        held.append(os.open(f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o644))
        try:
            fcntl.flock(held[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # Files of the share have their locks there: of those a user has fewer.
            assert error.errno == errno.ENOLCK and n > 10, (n, error)
            break
    else:
        held.append(os.open(name, os.O_RDWR | os.O_CREAT, 0o644))

def use(turn):
    for n, fd in enumerate(held):
        if kind == "dir":
            assert os.listdir(fd) == ["in"], n
        elif kind == "file":
            os.pwrite(fd, f"{n} {turn}".encode(), 0)
            assert os.pread(fd, 64, 0).decode() == f"{n} {turn}", n

use(1)
print("held", flush=True)
sys.stdin.readline()
use(2)
END

# hold KIND COUNT: a user's program that holds so many.
hold() {
	mkfifo "$dir/go.$1"
	as 1000 prlimit --nofile=$((files + 100)) "$python" "$dir/hold.py" "$1" "$v" "$2" <"$dir/go.$1" >"$dir/said.$1" &
	holders+=($!)
	# Kept open for writing until the end.
	exec {go}>"$dir/go.$1"
	gos+=("$go")
	within 60 grep -q held "$dir/said.$1"
}

holders=()
case_cleanup() {
	((!${#holders[@]})) || kill "${holders[@]}" 2>/dev/null
}

worker_fds() {
	local fds=("/proc/$(worker_pid)/fd"/*)

	echo "${#fds[@]}"
}

settled() {
	(($(worker_fds) < limit / 2))
}

many_open() {
	local v other pid go gos=()

	holders=()

	# Without the capability it cannot raise its own limit again.
	[[ $watchdog ]] || watchdog_start
	prlimit --nofile=$limit setpriv --bounding-set=-sys_resource --inh-caps=-all \
		"$cli" mount "$mnt" --store "$store" --config "$dir/config.json" --share "$share" "${way[@]}" >"$dir/mount.json"
	supervisor=$(jq .data.supervisor_pid "$dir/mount.json")
	chmod 1777 "$share"
	v=$(session_make mine 1000)
	other=$(session_make other 1001)
	is "$(prlimit --pid "$(worker_pid)" --nofile --noheadings --output SOFT | tr -d ' ')" $limit
	hold file $files
	hold dir $dirs
	hold gone $dirs
	hold lock $locks
	(($(worker_fds) < limit)) || fail "$(worker_fds) descriptors"

	# Others, and a new program of the same user.
	as 1001 sh -c "echo x >$other/new && cat $other/new && mkdir -p $other/a/b/c && rm -r $other/a" >/dev/null
	as 1000 sh -c "echo y >$v/again && mv $v/again $v/there && rm $v/there"
	as 1001 flock "$other/new" true
	as 1001 flock "$other/theirs.lock" true
	"$cli" run --session root -- true
	is "$(status sessions)" 3
	for go in "${gos[@]}"; do
		echo >&"$go"
		exec {go}>&-
	done
	for pid in "${holders[@]}"; do
		wait "$pid" || fail "who held many: $(tail -n 3 "$dir"/said.*)"
	done
	holders=()
	is "$(cat "$v/file$((files - 1))")" "$((files - 1)) 2"
	rm -rf "${v:?}"/*
	rm -f "$share"/*.lock
	echo 2 >/proc/sys/vm/drop_caches
	within 10 settled
	rm "$dir"/go.*
	mount_stop
}

both_ways many_open
