#!/bin/bash
# FIFOs, sockets, devices, running programs, and inotify: a view answers as a directory of the same file
# system does, as root and as an ordinary user.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

populate() {
	mkdir -p "$1/given_dir"
	echo given >"$1/given"
	mkfifo "$1/given_fifo"
	cp "$SESSIONFS_PROGS/try_special" "$1/given_program"
	"$python" -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$1/given_socket"
	[[ $2 == 0 ]] || chown -R "$2:$2" "$1"
	chmod 1777 "$1"
	chmod 777 "$1"/given*
}

try() {
	cd "$2"
	as "$1" "$SESSIONFS_PROGS/$3"
	cd /
}

body() {
	local user prog before

	mount_start
	for user in 0 1000; do
		for prog in try_special try_inotify; do
			rm -rf "$dir/native" "${share:?}"/*
			populate "$dir/native" "$user"
			populate "$share" "$user"
			before=$(snapshot "$share")
			try "$user" "$dir/native" "$prog" >"$dir/expected"
			try "$user" "$(session_make "$prog-$user" "$user")" "$prog" >"$dir/found"
			same "$dir/expected" "$dir/found" "$prog by user $user"
			[[ -s $dir/expected ]] || fail "nothing was tried"
			is "$(snapshot "$share")" "$before" "the lower"
		done
	done
	is "$(status worker_restarts)" 0
	mount_stop
}

both_ways body
