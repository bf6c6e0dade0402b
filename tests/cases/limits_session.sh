#!/bin/bash
# max_bytes and max_files of a session: what is refused beyond them and what never is, who is told, and
# that the count is right again after changes of every kind, a killed worker and another mount.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

limit() {
	echo "{\"sessions\": {$1}}" >"$dir/config.json"
}

usage() {
	jq -r ".sessions[] | select(.session == \"$1\") | .usage.$2" "$mnt/sessions.json"
}

# at_least SESSION MEMBER NUMBER, at_most likewise.
at_least() {
	(($(usage "$1" "$2") >= $3))
}
at_most() {
	(($(usage "$1" "$2") <= $3))
}

enospc() {
	refuse "No space left on device" "$@"
}

bytes_limited() {
	local v other

	limit '"max_bytes": "8M"'
	mkdir "$share/d"
	head -c 4M /dev/urandom >"$share/big"
	head -c 12M /dev/urandom >"$share/huge"
	echo small >"$share/small"
	echo held >"$share/held"
	mount_start
	v=$(session_make s1)
	other=$(session_make s2)

	# What is open for writing is looked at once a second; the whole session, not that soon again.
	exec 5>>"$v/grows"
	"$cli" show s1 >/dev/null
	head -c 3M /dev/zero | tr '\0' x >&5
	within 4 at_least s1 bytes $((3 << 20))
	exec 5>&-
	rm "$v/grows"

	# What would not fit is not copied up at all, but read, removed and cut.
	enospc dd if=/dev/zero of="$v/huge" bs=1 count=1 conv=notrunc
	cmp "$v/huge" "$share/huge"
	absent "$(upper_of s1)/huge"
	: >"$v/huge"
	rm "$v/huge"
	absent "$v/huge"

	head -c 7500K /dev/zero | tr '\0' x >"$v/a"
	within 5 at_least s1 bytes $((7500 << 10))
	enospc dd if=/dev/zero of="$v/big" bs=1 count=1 conv=notrunc
	within 5 sh -c "'$cli' show s1 | grep SESSION_NEAR_LIMIT"
	is "$("$cli" run --session s1 -- true 2>&1 | grep -c '^.*SESSION_NEAR_LIMIT: session s1 ')" 1 "run warns"
	# Statfs shows what is left; df counts in kilobytes.
	(($(df --output=avail -k "$v/a" | tail -n 1) <= 1024)) || fail "df: $(df -k "$v/a")"
	is "$(($(df --output=size -k "$v/a" | tail -n 1)))" 8192 "the size that df tells"

	# A file that is open goes on growing until the next look at it.
	exec 5>>"$v/b"
	head -c 2M /dev/zero | tr '\0' y >&5
	within 5 at_least s1 bytes $((9 << 20))
	enospc touch "$v/new"
	enospc mkdir "$v/newdir"
	enospc ln -s x "$v/link"
	enospc mkfifo "$v/fifo"
	enospc sh -c ": >>'$v/a'"
	enospc dd if=/dev/null of="$v/small" oflag=append conv=notrunc
	enospc chmod 600 "$v/small"
	enospc ln "$v/small" "$v/small2"
	# A rename copies up what it moves, a removed file what is changed of it.
	enospc mv "$v/small" "$v/small2"
	enospc mv -T "$v/d" "$v/d2"
	mv "$v/b" "$v/b2" && mv "$v/b2" "$v/b"
	exec 6<"$v/held"
	rm "$v/held"
	enospc "$python" -c 'import os; os.fchmod(6, 0o600)'
	exec 6<&-
	enospc fallocate -l 9M "$v/a"
	enospc truncate -s 20M "$v/a"
	exec 5>&-
	is "$(jq -r 'select(.type == "session_limit") | .session' "$mnt/events" | sort -u)" s1 "the event"
	absent "$v/new" "$v/newdir" "$v/link" "$v/fifo" "$v/small2" "$v/d2"

	# Another session, reading, diff, and everything that removes go on.
	echo fine >"$other/fine"
	cmp "$v/small" "$share/small"
	[[ $("$cli" diff s1 --json | jq '.data.changes | length') -ge 3 ]] || fail "diff"
	# By name: to open it for writing is refused.
	"$python" -c 'import os, sys; os.truncate(sys.argv[1], 1 << 20)' "$v/a"
	rm "$v/small" "$v/b"
	rmdir "$v/d"
	absent "$v/small" "$v/d"
	within 10 at_most s1 bytes $((2 << 20))
	echo again >"$v/again"
	is "$(cat "$v/again")" again

	# The count is right after a kill, and after a reset.
	kill -9 "$(worker_pid)"
	at_least s1 bytes $((1 << 20)) || fail "forgot in a kill"
	"$cli" reset s1 >/dev/null
	at_most s1 bytes 65536 || fail "reset: $(usage s1 bytes)"
	mount_stop
}

files_limited() {
	local v f

	limit '"max_files": 20'
	mount_start
	v=$(session_make s1)
	for f in {1..19}; do
		echo "$f" >"$v/$f"
	done
	ln "$v/1" "$v/1b"
	touch "$v/20" || fail "a link is no file"
	enospc touch "$v/21"
	"$cli" show s1 --json >"$dir/show.json"
	json_envelope "$dir/show.json"
	is "$(jq .data.usage.files "$dir/show.json")" 20
	# The bytes have a unit, which is a word of its own.
	is "$("$cli" ls -o table | awk '$1 == "s1" { print $7 }')" 20 "the table"
	rm "$v/20" "$v/1b"
	touch "$v/21"
	# A rename over another makes room as well.
	mv "$v/21" "$v/2"
	touch "$v/22"
	enospc touch "$v/23"
	mount_stop

	# What lies in the store counts from the start.
	mount_start
	within 5 at_least s1 files 20
	enospc touch "$mnt/sessions/0/s1$share/23"
	# Whiteouts are what removing leaves: they do not count.
	touch "$share"/w{1..30}
	rm "$v"/w* "$v/1"
	within 10 at_most s1 files 19
	touch "$v/23"
	mount_stop
}

unlimited() {
	limit ''
	mount_start
	session_make s1 >/dev/null
	is "$(usage s1 bytes)" null "nothing is counted"
	mount_stop
}

both_ways bytes_limited
files_limited
unlimited
