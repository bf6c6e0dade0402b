#!/bin/bash
# A directory that a user's session has a copy of, and that its owner closes, or replaces, in the lower: what
# the kernel checks is the copy's mode. The lower's own still decides what of it shows.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

a=1000 victim=2000

# hidden COMMAND...: the user's command gets nothing of what is the victim's.
hidden() {
	if as $a "$@" >"$dir/said" 2>&1; then
		fail "succeeded: $*: $(cat "$dir/said")"
	fi
	! grep -q classified "$dir/said" || fail "$(cat "$dir/said")"
}

# The victim's directory, as he left it.
untouched() {
	is "$(cd "$share/$1" && find . -mindepth 1 | sort | xargs)" "$2" "$1 in the share"
}

replaced() {
	as $a mkdir -m 777 "$share/cache"
	as $a sh -c "echo x >'$u/cache/mine'"
	as $a rmdir "$share/cache"
	as $victim sh -c "umask 022; mkdir -m 700 '$share/cache'; echo classified >'$share/cache/secret'; echo 1 >'$share/cache/v.pid'
		mkdir -m 777 '$share/cache/open'; echo classified >'$share/cache/open/file'"
	sleep 1.1
	hidden cat "$u/cache/secret"
	hidden cat "$u/cache/open/file"
	hidden sh -c "ls '$u/cache' | grep secret"
	hidden rm "$u/cache/v.pid"
	hidden mv "$u/cache/v.pid" "$u/cache/w.pid"
	hidden touch "$u/cache/new.lock"
	hidden mkdir "$u/cache/d.lock"
	hidden ln -s q "$u/cache/s.lock"
	hidden ln "$u/cache/mine" "$u/cache/l.lock"
	hidden sh -c "mv '$u/cache/mine' '$u/cache/m.lock' 2>&1"
	untouched cache "./open ./open/file ./secret ./v.pid"
	is "$(as $a cat "$u/cache/mine")" x "his own is his"
	as $a sh -c "echo y >'$u/cache/more' && rm '$u/cache/more'"
	# Root's session is under no such rule, and one who may enter sees it again.
	is "$(cat "$v/cache/secret")" classified
	chmod 755 "$share/cache"
	within 2 as $a cat "$u/cache/secret"
}

closed() {
	as $victim mkdir -m 777 "$share/pub" "$share/pub/sub"
	as $a sh -c "echo mine >'$u/pub/mine'; echo mine >'$u/pub/sub/mine'; cat '$u/pub/sub/mine'" >/dev/null
	as $victim chmod 700 "$share/pub"
	as $victim sh -c "echo classified >'$share/pub/later'; echo classified >'$share/pub/sub/later'"
	sleep 1.1
	hidden cat "$u/pub/later"
	# Its parent is closed, whatever itself is.
	hidden cat "$u/pub/sub/later"
	is "$(as $a ls "$u/pub/sub")" mine
	as $victim chmod 711 "$share/pub"
	# To be entered, but not listed.
	within 2 as $a cat "$u/pub/later"
	is "$(as $a ls "$u/pub")" "mine
sub"
	as $victim chmod 777 "$share/pub"
	within 2 as $a sh -c "ls '$u/pub' | grep -qx later"
}

# What was renamed in the view comes from where it was: the way there has to be open.
renamed() {
	as $victim mkdir -m 777 "$share/from" "$share/from/dir"
	as $victim sh -c "echo early >'$share/from/dir/early'"
	as $a mv "$u/from/dir" "$u/moved"
	is "$(as $a cat "$u/moved/early")" early
	as $victim chmod 700 "$share/from"
	as $victim sh -c "echo classified >'$share/from/dir/later'"
	sleep 1.1
	hidden cat "$u/moved/later"
	as $victim chmod 755 "$share/from"
	within 2 as $a cat "$u/moved/later"
}

# Others' files in a directory that has become sticky are theirs.
sticky() {
	as $victim mkdir -m 777 "$share/stick"
	as $a touch "$u/stick/mine"
	as $victim chmod 1777 "$share/stick"
	as $victim sh -c "echo 1 >'$share/stick/v.pid'"
	sleep 1.1
	hidden rm "$u/stick/v.pid"
	hidden mv "$u/stick/v.pid" "$u/stick/w.pid"
	as $a sh -c "set -C; : >'$u/stick/own.lock' && rm '$u/stick/own.lock'"
	untouched stick ./v.pid
}

# A file of another user that gets the inode number of one that was removed is not that one.
reused() {
	"$python" - "$u" "$share" <<-'END'
		import os, sys, time

		view, share = sys.argv[1:]
		os.setgroups([])

		def as_user(uid, function):
		    child = os.fork()
		    if not child:
		        os.setgid(uid)
		        os.setuid(uid)
		        function()
		        os._exit(0)
		    assert os.waitpid(child, 0)[1] == 0

		def write(path, text, mode):
		    fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
		    os.write(fd, text)
		    os.close(fd)

		def round(name, flags, use):
		    path = f"{share}/{name}"
		    as_user(1000, lambda: write(path, b"mine", 0o666))
		    number = os.stat(path).st_ino
		    os.setegid(1000)
		    os.seteuid(1000)
		    fd = os.open(f"{view}/{name}", flags)
		    os.seteuid(0)
		    os.setegid(0)
		    as_user(1000, lambda: os.unlink(path))
		    as_user(2000, lambda: write(path, b"classified", 0o600))
		    same = os.stat(path).st_ino == number
		    for wait in 0, 1.2:
		        time.sleep(wait)
		        as_user(1000, lambda: use(fd, f"{view}/{name}"))
		    with open(path, "rb") as file:
		        assert file.read() == b"classified", name
		    os.close(fd)
		    os.unlink(path)
		    return same

		def tries(*functions):
		    for function in functions:
		        try:
		            said = function()
		        except OSError:
		            continue
		        assert not (isinstance(said, bytes) and b"classified" in said), said

		def read_again(fd, name):
		    with open(f"/proc/self/fd/{fd}", "rb") as file:
		        return file.read()

		def rewrite(fd, name):
		    tries(lambda: os.pread(fd, 99, 0), lambda: os.pwrite(fd, b"ATTACKER", 0), lambda: os.ftruncate(fd, 9),
		          lambda: os.fchmod(fd, 0o666))

		def look(fd, name):
		    tries(lambda: os.pread(fd, 99, 0), lambda: read_again(fd, name), lambda: open(name, "rb").read())

		seen = [round("w.lock", os.O_RDWR, rewrite), round("w", os.O_RDONLY, look), round("x.lock", os.O_PATH, look),
		        round("x", os.O_PATH, look)]
		print("numbers used again:", sum(seen))
	END
}

body() {
	local u v

	rm -rf "${share:?}"/*
	chmod 1777 "$share"
	mount_start
	v=$(session_make roots)
	u=$(session_make user $a)
	replaced
	closed
	renamed
	sticky
	reused
	mount_stop
	rm -rf "$store"
}

share_options='lock=*.lock,lock=*.pid'
both_ways body
