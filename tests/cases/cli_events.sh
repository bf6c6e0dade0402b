#!/bin/bash
# `events --follow`.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
mount_start

"$cli" create before >/dev/null

# events --follow: lines, as they come; it ends with its reader or with the mount.
mkfifo "$dir/events"
"$cli" events --follow >"$dir/events" &
follower=$!
exec 7<"$dir/events"
wait_for_event() {
	local line

	while read -r -t 10 line <&7; do
		jq -e . <<<"$line" >/dev/null || fail "no JSON: $line"
		[[ $line == *"\"$1\""*"\"$2\""* ]] && return
	done
	fail "no event $1 of $2"
}
wait_for_event session_created before
"$cli" create followed >/dev/null
wait_for_event session_created followed
"$cli" rm followed >/dev/null
wait_for_event session_removed followed
exec 7<&-
wait "$follower" || fail "status $?"
"$cli" events --follow >"$dir/followed" &
follower=$!
within 10 test -s "$dir/followed"
refuse 'in use' "$cli" umount
timeout 30 "$cli" umount --force >/dev/null
supervisor=
status=0
wait "$follower" || status=$?
is "$status" 12
