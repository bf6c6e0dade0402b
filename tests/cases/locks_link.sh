#!/bin/bash
# Locks that are taken by link(2) from a temporary that is no lock itself, as mail programs, gpg and
# python's lockfile do it.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cat >"$dir/linklock.py" <<'END'
"""linklock.py LOCK: takes it with a temporary beside it, checks what such programs check."""
import os, sys
lock = sys.argv[1]
tmp = os.path.join(os.path.dirname(lock), f".tmp.{os.getpid()}")
with open(tmp, "w") as file:
    file.write(f"{os.getpid()}\n")
try:
    os.link(tmp, lock)
except FileExistsError:
    os.unlink(tmp)
    sys.exit("File exists")
one, two = os.stat(tmp), os.stat(lock)
assert one.st_nlink == 2 and two.st_nlink == 2, (one.st_nlink, two.st_nlink)
assert (one.st_dev, one.st_ino) == (two.st_dev, two.st_ino), (one, two)
assert open(lock).read() == f"{os.getpid()}\n"
print("taken", flush=True)
sys.stdin.readline()
assert os.stat(tmp).st_nlink == 2
os.unlink(tmp)
assert os.stat(lock).st_nlink == 1
os.unlink(lock)
print("released", flush=True)
END

link_locks() {
	local hold

	mount_start
	mkdir "$share/mail"
	chmod 1777 "$share/mail"
	mkfifo "$dir/go"
	"$cli" run --session a -- "$python" "$dir/linklock.py" "$share/mail/box.lock" <"$dir/go" >"$dir/said" &
	hold=$!
	exec 8>"$dir/go"
	within 20 grep -q taken "$dir/said"
	is "$(jq -r '.lock.idiom + " " + .holder.session' "$mnt/locks$share/mail/box.lock.json")" "link a"
	is "$(stat -c %h "$share/mail/box.lock")" 1 "links in the share"
	refuse "File exists" "$cli" run --session b -- "$python" "$dir/linklock.py" "$share/mail/box.lock"
	is "$(ls -A "$share/mail")" box.lock "what the share has"
	echo >&8
	exec 8>&-
	wait $hold || fail "status $?: $(cat "$dir/said")"
	is "$(tail -n 1 "$dir/said")" released
	absent "$share/mail/box.lock" "$mnt/locks$share/mail/box.lock.json"
	is "$(find "$(upper_of a)/../work" -mindepth 1)" '' "what is left in the work directory"

	# An ordinary user's, and of a lock that the session holds twice under other names.
	as 1234 "$cli" run --session u -- "$python" "$dir/linklock.py" "$share/mail/own.lock" <<<''
	rm "$dir/go" "$dir/said"
	rmdir "$share/mail"
	mount_stop
}

# A lock by link beside a file that is open and has no name: what keeps the one is not the other's.
beside_nameless() {
	local v

	mount_start
	v=$(session_make n)
	timeout 20 "$python" - "$v" <<-'E2'
		import os, sys

		os.chdir(sys.argv[1])
		fd = os.open("nameless", os.O_CREAT | os.O_RDWR)
		os.write(fd, b"text")
		os.unlink("nameless")
		for name in ("a", "b"):
		    with open(name, "w") as f:
		        f.write("1")
		    os.link(name, name + ".lock")
		    os.unlink(name)
		os.fchmod(fd, 0o640)
		assert os.fstat(fd).st_mode & 0o7777 == 0o640
		assert os.pread(fd, 4, 0) == b"text"
		os.unlink("a.lock")
		os.unlink("b.lock")
	E2
	mount_stop
}

keys() {
	mount_start
	mkdir -m 700 "$share/gnupg"
	"$cli" run --session k -- timeout 20 gpg --batch --homedir "$share/gnupg" --list-keys
	mount_stop
}

share_options='lock=*.lock'
both_ways link_locks
both_ways beside_nameless
if type -P gpg >/dev/null; then
	both_ways keys
fi
