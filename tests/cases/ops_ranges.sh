#!/bin/bash
# fallocate, lseek over holes, copy_file_range: a view answers as a directory of the same file system
# does, for files of both layers, as root and as an ordinary user.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

populate() {
	chmod 1777 "$1"
	(
		head -c 131072 /dev/zero | tr '\0' g
		head -c 131072 /dev/zero
		head -c 65536 /dev/zero | tr '\0' h
	) >"$1/given"
	fallocate --punch-hole --offset 131072 --length 131072 "$1/given"
	chmod 666 "$1/given"
}

try() {
	cd "$2"
	as "$1" "$SESSIONFS_PROGS/try_ranges"
	cd /
}

body() {
	local user before

	populate "$share"
	before=$(snapshot "$share")
	mount_start
	for user in 0 1000; do
		rm -rf "$dir/native"
		mkdir "$dir/native"
		populate "$dir/native"
		try "$user" "$dir/native" >"$dir/expected"
		try "$user" "$(session_make "s$user" "$user")" >"$dir/found"
		same "$dir/expected" "$dir/found" "ranges of user $user"
		[[ -s $dir/expected ]] || fail "nothing was tried"
	done
	is "$(status worker_restarts)" 0
	is "$(snapshot "$share")" "$before" "the lower"
	mount_stop
}

both_ways body

# A limit that whoever mounts has for himself does not hold for the sessions.
mounted_with_a_limit() {
	(
		ulimit -S -f 64
		mount_start
		echo "$supervisor" >"$dir/supervisor"
	)
	supervisor=$(cat "$dir/supervisor")
	[[ $watchdog ]] || watchdog_start
	v=$(session_make s1)
	head -c 1000000 /dev/zero >"$v/large"
	is "$(stat -c %s "$v/large")" 1000000
	is "$(status worker_restarts)" 0
	mount_stop
}

both_ways mounted_with_a_limit
