#!/bin/bash
# Ways to write (appending, mapped, direct, synchronous): a view answers as a directory of the same file
# system does, for files of both layers, as root and as an ordinary user.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

populate() {
	local name

	mkdir -p "$1"
	for name in append both map; do
		echo given >"$1/given_$name"
	done
	chmod 666 "$1"/given*
	chmod 1777 "$1"
}

try() {
	cd "$2"
	as "$1" "$SESSIONFS_PROGS/try_write" "${way[@]}"
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
		same "$dir/expected" "$dir/found" "writing by user $user"
		[[ -s $dir/expected ]] || fail "nothing was tried"
	done
	is "$(status worker_restarts)" 0
	is "$(snapshot "$share")" "$before" "the lower"
	mount_stop
}

append_lines() {
	local n

	for ((n = 0; n < 300; n++)); do
		echo "$1 $n"
	done >>"$2"
}

# What sessions share: each has its own idea of where the end is.
two_sessions() {
	local a b

	mount_start
	a=$(session_make s1)
	b=$(session_make s2)
	append_lines a "$a/log.lock" &
	append_lines b "$b/log.lock"
	wait $!
	is "$(grep -c '^a [0-9]*$' "$share/log.lock")" 300
	is "$(grep -c '^b [0-9]*$' "$share/log.lock")" 300
	is "$(wc -l <"$share/log.lock")" 600
	mount_stop
}

both_ways body
share_options='lock=*.lock' both_ways two_sessions
