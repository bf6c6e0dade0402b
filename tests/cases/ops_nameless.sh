#!/bin/bash
# Files that were made without a name, or lost it while open: a view answers as a directory of the same
# file system does, as root and as an ordinary user. Nothing of them is left behind.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

populate() {
	local n

	mkdir -p "$1"/{given_dir,setgid_dir,acl_dir}
	for n in 1 2 3 4; do
		echo "given $n" >"$1/given_$n"
	done
	chmod 666 "$1"/given_[1-4]
	[[ $2 == 0 ]] || chown "$2:$2" "$1"/given_[1-4] "$1/acl_dir"
	chgrp 7 "$1/setgid_dir"
	chmod 2777 "$1/setgid_dir"
	setfacl -d -m u::rwx,u:1001:rwx,g::r-x,o::--- "$1/acl_dir"
	chmod 1777 "$1"
}

try() {
	cd "$2"
	as "$1" "$SESSIONFS_PROGS/try_nameless"
	cd /
}

no_hidden() {
	[[ ! $(find "$store/sessions/$1/s$1/"*/work -mindepth 1) ]]
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
		same "$dir/expected" "$dir/found" "nameless files of user $user"
		[[ -s $dir/expected ]] || fail "nothing was tried"
		is "$(snapshot "$share")" "$before" "the lower"
		# The kernel forgets a moment after the last close.
		within 5 no_hidden "$user"
	done
	is "$(status worker_restarts)" 0
	mount_stop
}

both_ways body
