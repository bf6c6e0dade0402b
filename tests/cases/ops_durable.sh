#!/bin/bash
# fsync, fdatasync and O_SYNC take the names along by which a file is found after a power loss: of what was
# made, copied up or renamed, and of the directories above that came with it. Seen by the calls that the
# worker makes.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
type -P strace >/dev/null || skip "no strace"

tracer=
holder=
case_cleanup() {
	[[ $holder ]] && kill "$holder" 2>/dev/null
	[[ $tracer ]] && kill "$tracer" 2>/dev/null
	umount "$store" 2>/dev/null || umount -l "$store" 2>/dev/null
}

attached() {
	grep -q 'TracerPid:.[1-9]' "/proc/$(worker_pid)/status"
}

# calls COMMAND...: what the worker synced meanwhile, one "CALL PATH" a line; paths below the session's upper.
calls() {
	strace -qq -f -y -e trace=fsync,fdatasync -p "$(worker_pid)" -o "$dir/trace" &
	tracer=$!
	within 10 attached
	"$@"
	kill "$tracer"
	wait "$tracer" || true
	tracer=
	sed -nE 's/^[0-9]+ +(f[a-z]*sync)\([0-9]+<([^>]*)>.*/\1 \2/p' "$dir/trace" |
		sed "s#$store/##; s#sessions/0/s1/[^/]*/upper#U#; s#sessions/0/s1/[^/ ]*\$#sessions/0/s1/SHARE#"
}

# program PATH ACTION...: opens a file and does that to it.
program() {
	"$python" - "$@" <<'END'
import os, sys

path, *actions = sys.argv[1:]
fd = None
for action in actions:
    if action == "open":
        fd = os.open(path, os.O_RDWR)
    elif action == "make":
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    elif action == "sync-open":
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_DSYNC, 0o644)
    elif action == "dir":
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    elif action == "write":
        os.pwrite(fd, b"x", 0)
    elif action == "fsync":
        os.fsync(fd)
    elif action == "fdatasync":
        os.fdatasync(fd)
    elif action.startswith("rename="):
        os.rename(path, action[7:])
    elif action.startswith("link="):
        os.link(path, action[5:])
END
}

# known FILE: the kernel refers to it, and to all above, until known_no_more: what the worker knows of
# them is not lost to whoever drops the caches meanwhile.
known() {
	mkfifo "$dir/held"
	"$python" -c 'import os, sys, time
os.open(sys.argv[1], os.O_PATH)
open(sys.argv[2], "w").close()
time.sleep(600)' "$1" "$dir/held" &
	holder=$!
	: <"$dir/held"
	rm "$dir/held"
}
known_no_more() {
	kill "$holder"
	wait "$holder" || true
	holder=
}

populate() {
	rm -rf "${share:?}"/*
	mkdir -p "$share/a/b"
	echo old | tee "$share/a/b/f" "$share/a/b/g" >/dev/null
}

# The file system commits names with the file: one call, but the full one as long as the name is new.
with_the_file() {
	local v

	populate
	mount_start
	v=$(session_make s1)
	known "$v/a/b/f"
	is "$(calls program "$v/a/b/f" open write fdatasync write fdatasync)" "fsync U/a/b/f
fdatasync U/a/b/f" "copied up"
	is "$(calls program "$v/a/b/f" open write fdatasync)" "fdatasync U/a/b/f" "opened again"
	is "$(calls program "$v/a/b/f" open rename="$v/a/b/f2" write fdatasync fdatasync)" "fsync U/a/b/f2
fdatasync U/a/b/f2" "renamed"
	is "$(calls program "$v/a/b/f2" open link="$v/a/f3" fdatasync)" "fsync U/a/f3" "linked"
	is "$(calls program "$v/a/b/new" make write fdatasync)" "fsync U/a/b/new" "made"
	is "$(calls program "$v/a/b/new2" sync-open write fdatasync | uniq)" "fsync U/a/b/new2
fdatasync U/a/b/new2" "O_DSYNC"
	is "$(calls program "$v/a/b" dir fsync)" "fsync U/a/b" "a directory"
	known_no_more
	# Of the share's own nothing has become new.
	is "$(calls program "$v/a/b/g" dir fsync 2>/dev/null || true)" "" "no directory"
	mount_stop
}

# One that does not: every directory that is not known to be durable.
by_directories() {
	local v above="fsync U
fsync sessions/0/s1/SHARE
fsync sessions/0/s1
fsync sessions/0
fsync sessions"

	mount -t tmpfs tmpfs "$store"
	populate
	mount_start
	v=$(session_make s1)
	known "$v/a/b/f"
	is "$(calls program "$v/a/b/f" open write fdatasync write fdatasync)" "fsync U/a/b/f
fsync U/a/b
fsync U/a
$above
fdatasync U/a/b/f" "copied up with its directories"
	is "$(calls program "$v/a/b/new" make write fdatasync)" "fsync U/a/b/new
fsync U/a/b" "beside it"
	mkdir "$v/a/d"
	is "$(calls program "$v/a/d/x" make fsync)" "fsync U/a/d/x
fsync U/a/d
fsync U/a" "in a new directory"
	mv "$v/a/d" "$v/a/e"
	is "$(calls program "$v/a/e/y" make fsync)" "fsync U/a/e/y
fsync U/a/e
fsync U/a" "in one that was renamed"
	mkdir "$v/z"
	is "$(calls program "$v/z" dir fsync)" "fsync U/z
fsync U/z
fsync U" "a directory that is new"
	known_no_more
	mount_stop
	umount "$store"
}

mkdir -p "$store"
case $(stat -f -c %T "$store") in
ext2/ext3 | xfs | btrfs) both_ways with_the_file ;;
*) echo "$(stat -f -c %T "$store"): not one that commits names with files" ;;
esac
mkdir -p "$store"
by_directories
