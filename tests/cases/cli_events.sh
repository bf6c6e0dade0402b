#!/bin/bash
# What happens is told as it happens: the file of events, and `events --follow`.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
mount_start

# The file of events is a log to tail(1): it follows, whichever way, and does not see it cut.
tails=()
for option in -f '-n 0 -f' '-n 1 -F'; do
	# shellcheck disable=SC2086
	tail $option "$mnt/events" >"$dir/tail$option" 2>"$dir/tail$option.err" &
	tails+=($!)
done
all_tails_read() {
	"$cli" create tailed >/dev/null && "$cli" rm tailed >/dev/null
	for option in -f '-n 0 -f' '-n 1 -F'; do
		grep -q 'session_removed.*tailed' "$dir/tail$option" || return 1
	done
}
within 10 all_tails_read
kill "${tails[@]}"
wait "${tails[@]}" 2>/dev/null || true
for option in -f '-n 0 -f' '-n 1 -F'; do
	is "$(cat "$dir/tail$option.err")" '' "tail $option"
	is "$(jq .seq "$dir/tail$option")" "$(jq .seq "$dir/tail$option" | sort -nu)" "tail $option: the numbers"
done

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
wait_for_event session_created tailed
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
