#!/bin/bash
# unlock: what it frees, for whom, and what it leaves alone.
# Programs in single quotes are for other shells.
# shellcheck disable=SC2016
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

lock=$share/t.lock
seen=$mnt/locks$share/t.lock.json

# answered STATUS CODE [JQ]: what `unlock ARGS` says, in its envelope.
unlock() {
	local status=0

	"$cli" unlock "$@" --json >"$dir/json" || status=$?
	json_envelope "$dir/json"
	echo "$status $(jq -r '.error.code // "ok"' "$dir/json")"
}
token() {
	jq .lock.fencing_token "$seen"
}

# hold [PROGRAM]: a run that has the lock until it is told to end. Sets $runner.
hold() {
	rm -f "$dir/ready"
	[[ -p $dir/go ]] || mkfifo "$dir/go"
	"$cli" run --session holder -- sh -c 'set -Ce; '"${1-: >\"\$1\"}"'; : >|"$0/ready"; read -r _ <"$0/go"' \
		"$dir" "$lock" 2>"$dir/err" &
	runner=$!
	within 10 test -e "$dir/ready"
}
ends() {
	local status=0

	echo >"$dir/go"
	wait "$runner" || status=$?
	is "$status" "$1" "$(cat "$dir/err")"
}

shopt -s extglob
share_options=stale=report
mount_start

# Left behind: shown stale, and freed when somebody says so.
"$cli" run --session gone -- sh -Cc ': >"$0"' "$lock"
is "$(jq -r .lock.state "$seen")" stale
is "$(unlock "$lock")" "0 ok"
absent "$lock" "$seen"
"$cli" run --session gone -- mkdir "$lock"
: >"$lock/a"
is "$("$cli" unlock "$lock" -o table)" "$lock is free"
absent "$lock"
# Nothing is there to free: that is what was asked for.
is "$(unlock "$lock")" "0 ok"
is "$(jq .data.was_held "$dir/json")" false

# A live one: only of that token, and then its holder has lost it.
hold
is "$(unlock "$lock")" "4 LOCK_HELD"
is "$(jq -r '.error | .reason, .holder.session, .lock.fencing_token' "$dir/json" | xargs)" "held holder $(token)"
is "$(unlock "$lock" --force)" "2 VALIDATION_ERROR"
is "$(unlock "$lock" --token "$(token)")" "2 VALIDATION_ERROR"
is "$(unlock "$lock" --force --token $(($(token) - 1)))" "4 PRECONDITION_FAILED"
is "$(jq .error.lock.fencing_token "$dir/json")" "$(token)"
[[ -e $lock ]] || fail "it was freed"
is "$(unlock "$lock" --force --token "$(token)")" "0 ok"
absent "$lock" "$seen"
is "$(jq -r 'select(.type == "lock_lost") | .session + " " + .by.name' "$mnt/events")" "holder sessionfs"
"$cli" run --session next -- sh -Cc ': >"$0" && rm "$0"' "$lock"
ends 6
[[ $(tail -n 1 "$dir/err" | jq -r .error.message) == "$lock was taken away from its holder by sessionfs (pid "+([0-9])")" ]] ||
	fail "$(tail -n 1 "$dir/err")"
# A token that was another lock's frees nothing.
hold
last=$(token)
ends 0
"$cli" unlock "$lock" >/dev/null
hold
is "$(unlock "$lock" --force --token "$last")" "4 PRECONDITION_FAILED"
is "$(unlock "$lock" --force --token "$(token)")" "0 ok"
ends 6

# flock: who has the old file has it alone.
hold 'exec 7>>"$1"; flock 7'
is "$(unlock "$lock" --force --token "$(token)")" "0 ok"
"$cli" run --session next -- flock -n "$lock" true
ends 6
rm "$lock"

# Not for whoever comes along, and not what is no lock.
hold
chmod 755 "$share"
refuse "another user's lock" as 1000 "$cli" unlock "$lock" --force --token "$(token)"
ends 0
refuse PERMISSION_DENIED as 1000 "$cli" unlock "$lock" --json
[[ -e $lock ]] || fail "another user freed it"
head -c 5000 /dev/zero >"$lock"
is "$(unlock "$lock")" "4 PRECONDITION_FAILED"
is "$(stat -c %s "$lock")" 5000
# It may well get the inode number that is free now.
rm "$lock"
echo outside >"$lock"
is "$(unlock "$lock")" "4 PRECONDITION_FAILED"
is "$(cat "$lock")" outside
rm "$lock"
is "$(unlock /nowhere/x.lock)" "2 VALIDATION_ERROR"
mount_stop
