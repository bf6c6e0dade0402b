#!/bin/bash
# Sessions and what is in them are there after the daemon ended and another began, whichever way the
# first one ended.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The kernel says ECONNABORTED to who was under way, and then ENOTCONN.
disconnected() {
	! ls "$mnt" 2>"$dir/said" && grep -q "not connected" "$dir/said"
}

body() {
	local v

	mkdir -p "$share"/{dir/sub,moved,removed}
	echo lower >"$share/file"
	echo deep >"$share/dir/sub/deep"
	echo in >"$share/moved/in"
	mount_start
	v=$(session_make s1)
	session_make untouched >/dev/null
	echo more >>"$v/file"
	rm -r "$v/removed" "$v/dir/sub"
	mv "$v/moved" "$v/dir/here"
	mkdir "$v/dir/sub" "$v/made"
	touch -d '2001-02-03 04:05:06.123456789' "$v/file"
	ln "$v/file" "$v/made/linked"
	setfattr -n user.x -v y "$v/made"
	content "$v" >"$dir/before"
	"$cli" ls | jq -S '[.data.sessions[].session]' >"$dir/sessions"
	mount_stop
	mountpoint -q "$mnt" && fail "still mounted"
	absent "$v"

	# After an orderly end.
	mount_start
	content "$v" >"$dir/after"
	same "$dir/before" "$dir/after"
	"$cli" ls | jq -S '[.data.sessions[].session]' >"$dir/sessions_after"
	same "$dir/sessions" "$dir/sessions_after"
	is "$(cat "$v/made/linked")" $'lower\nmore'
	echo linked >>"$v/made/linked"
	is "$(cat "$v/file")" $'lower\nmore\nlinked'
	content "$v" >"$dir/before"

	# After a kill of all of it.
	daemon_kill
	within 5 disconnected
	mount_start
	content "$v" >"$dir/after"
	same "$dir/before" "$dir/after"
	"$cli" ls | jq -S '[.data.sessions[].session]' >"$dir/sessions_after"
	same "$dir/sessions" "$dir/sessions_after"
	is "$(cat "$share/file") $(ls -m "$share")" "lower dir, file, moved, removed"
	mount_stop
}

both_ways body
