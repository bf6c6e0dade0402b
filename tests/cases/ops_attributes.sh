#!/bin/bash
# The attributes of lsattr and chattr, and birth times: a view answers as a directory of the same file
# system does, as root, as the files' owner, and as another user. The share stays as it is.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

populate() {
	chmod 1777 "$1"
	echo given >"$1/given"
	mkdir "$1/given_dir"
	[[ $2 == 0 ]] || chown -R "$2:$2" "$1"/given*
	chmod 1777 "$1"
}

try() {
	cd "$2"
	as "$1" "$SESSIONFS_PROGS/try_attributes"
	cd /
}

# USER OWNER
compare() {
	local before

	rm -rf "$dir/native" "${share:?}"/*
	mkdir "$dir/native"
	populate "$dir/native" "$2"
	populate "$share" "$2"
	before=$(snapshot "$share")
	try "$1" "$dir/native" >"$dir/expected"
	try "$1" "$(session_make "s$1-$2" "$1")" >"$dir/found"
	same "$dir/expected" "$dir/found" "attributes for user $1 of what is $2's"
	[[ -s $dir/expected ]] || fail "nothing was tried"
	is "$(snapshot "$share")" "$before" "the lower"
}

body() {
	mount_start
	compare 0 0
	compare 0 1000
	compare 1000 1000
	compare 1000 0
	is "$(status worker_restarts)" 0
	mount_stop
}

gone() {
	[[ ! -e $1 ]]
}
is_empty() {
	[[ ! $(find "$1" -mindepth 1) ]]
}

# What a session has made immutable goes with it.
immutable_goes() {
	rm -rf "${share:?}"/*
	mount_start
	v=$(session_make s1)
	mkdir -p "$v/dir/sub"
	echo x | tee "$v/file" "$v/dir/file" >"$v/dir/sub/file"
	chattr +i "$v/file" "$v/dir/file" "$v/dir/sub" "$v/dir"
	chattr +a "$v/dir/sub/file" 2>/dev/null || true
	"$cli" reset s1 "$share/file" >/dev/null
	# The kernel is told by a thread that nobody waits for.
	within 5 gone "$v/file"
	"$cli" reset s1 >/dev/null
	within 5 is_empty "$v"
	mkdir "$v/dir"
	echo x >"$v/dir/file"
	chattr +i "$v/dir/file" "$v/dir"
	"$cli" rm s1 >/dev/null
	is "$(find "$store/trash" -mindepth 1)" ""
	mount_stop
}

both_ways body
immutable_goes
