#!/bin/bash
# open(2) with all kinds of flags, on all kinds of names: a view answers as a directory of the same file
# system does, as root and as an ordinary user.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

populate() {
	mkdir -p "$1/given_dir"
	echo five >"$1/given"
	echo five >"$1/other"
	echo file >"$1/given_dir/file"
	ln -s given "$1/link"
	ln -s made_by_link "$1/dangling"
	chmod 1777 "$1"
	chmod 666 "$1/given"
}

try() {
	cd "$2"
	# What is read from the kernel's cache the file system does not hear of.
	as "$1" "$SESSIONFS_PROGS/try_open" | if ((${#way[@]})); then
		grep -v "atime after reading without:"
	else
		cat
	fi
	cd /
}

body() {
	local user before

	populate "$share"
	before=$(snapshot "$share")
	mount_start
	for user in 0 1000; do
		rm -rf "$dir/native"
		populate "$dir/native"
		try "$user" "$dir/native" >"$dir/expected"
		try "$user" "$(session_make "s$user" "$user")" >"$dir/found"
		same "$dir/expected" "$dir/found" "open by user $user"
		[[ -s $dir/expected ]] || fail "nothing was tried"
	done
	is "$(status worker_restarts)" 0
	is "$(snapshot "$share")" "$before" "the lower"
	mount_stop
}

both_ways body
