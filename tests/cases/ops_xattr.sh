#!/bin/bash
# Extended attributes and ACLs: a view answers as a directory of the same file system does, for files of
# both layers and all types, as root and as an ordinary user.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

populate() {
	local name

	mkdir -p "$1/given_dir"
	touch "$1/given" "$1/other"
	ln -s given "$1/given_link"
	mkfifo "$1/given_fifo"
	for name in given given_dir; do
		setfattr -n user.given -v "of $name" "$1/$name"
		setfattr -n trusted.given -v "of $name" "$1/$name"
		setfacl -m u:1001:r "$1/$name"
	done
	setfacl -d -m u:1002:rwx "$1/given_dir"
	setfattr -h -n trusted.given -v link "$1/given_link"
	touch "$1/given_setgid"
	[[ $2 == 0 ]] || chown -h "$2:$2" "$1"/given*
	chgrp 7 "$1/given_setgid"
	chmod 2755 "$1/given_setgid"
	chmod 600 "$1/other"
	chmod 1777 "$1"
}

try() {
	cd "$2"
	as "$1" "$SESSIONFS_PROGS/try_xattr"
	cd /
}

body() {
	local user before

	mount_start
	for user in 0 1000; do
		rm -rf "$dir/native" "${share:?}"/*
		populate "$dir/native" "$user"
		populate "$share" "$user"
		before=$(snapshot "$share")
		try "$user" "$dir/native" >"$dir/expected"
		try "$user" "$(session_make "s$user" "$user")" >"$dir/found"
		same "$dir/expected" "$dir/found" "attributes for user $user"
		[[ -s $dir/expected ]] || fail "nothing was tried"
		is "$(snapshot "$share")" "$before" "the lower"
	done
	is "$(status worker_restarts)" 0
	mount_stop
}

both_ways body
