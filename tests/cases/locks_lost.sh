#!/bin/bash
# A lock that is taken away from its holder: he is told at his run's end, whatever COMMAND says, and nothing
# that he does to the name afterwards hits the next holder.
# Programs in single quotes are for other shells.
# shellcheck disable=SC2016
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

lock=$share/t.lock
seen=$mnt/locks$share/t.lock.json

# loser TAKE THEN [STATUS]: a run of session `loser` that takes the lock and, when it has been taken away from
# it, does THEN. Sets $runner; its envelope comes to $dir/report.
loser() {
	rm -f "$dir"/{ready,report}
	[[ -p $dir/go ]] || mkfifo "$dir/go"
	"$cli" run --session loser --report "$dir/report" -- \
		sh -c 'set -Ce; '"$1"'; : >|"$0/ready"; read -r _ <"$0/go"; '"$2" "$dir" "$lock" 2>"$dir/loser.err" &
	runner=$!
	within 10 test -e "$dir/ready"
}

# ends STATUS [JQ]: the loser's run goes on and ends so, with LOCK_LOST of which JQ is true.
ends() {
	local status=0

	echo >"$dir/go"
	wait "$runner" || status=$?
	is "$status" "$1" "$(cat "$dir/loser.err")"
	((status == 6)) || return 0
	json_envelope "$dir/report"
	is "$(jq -r '.error | .code, .exit_code, .retryable, .lock.path' "$dir/report" | xargs)" "LOCK_LOST 6 false $lock"
	is "$(jq '.error | has("retry_after_ms") or has("reason")' "$dir/report")" false
	is "$(jq "${2-true}" "$dir/report")" true "${2-} of $(cat "$dir/report")"
	tail -n 1 "$dir/loser.err" | jq -e '.error.code == "LOCK_LOST"' >/dev/null || fail "$(cat "$dir/loser.err")"
}

# steal: another run removes the lock, takes it for itself, and keeps it until stolen_back.
steal() {
	rm -f "$dir/stolen"
	"$cli" run --session thief -- sh -Cec '
		rm -r "$1"; '"${1-: >\"\$1\"; echo thief >|\"\$1\"}"'; : >"$0/stolen"
		while [ -e "$0/stolen" ]; do sleep 0.02; done
		rm -r "$1"' "$dir" "$lock" 2>"$dir/thief.err" &
	thief=$!
	within 10 test -e "$dir/stolen"
}
stolen_back() {
	rm "$dir/stolen"
	wait "$thief" || fail "the thief: $(cat "$dir/thief.err")"
}

mount_start
by='.error.by | .session == "thief" and (.run | startswith("r-")) and .pid > 0'

# Every way to release it leaves the next holder's alone.
loser ': >"$1"' 'rm "$1"'
steal
ends 6 "$by"
is "$(cat "$lock")" thief "the next holder's lock"
is "$(jq -r .holder.session "$seen")" thief
stolen_back
absent "$lock"

loser 'mkdir "$1"' 'rmdir "$1"'
steal 'mkdir "$1"'
ends 6 "$by"
[[ -d $lock ]] || fail "the next holder's directory is gone"
stolen_back

loser ': >"$1"' 'mv -T "$1" "$1.moved" 2>/dev/null && exit 1; test ! -e "$1.moved"'
steal
ends 6 "$by"
is "$(cat "$lock")" thief
stolen_back

# What he writes goes to the file that was his.
loser ': >"$1"; exec 7>|"$1"' 'echo mine >&7; rm "$1"'
steal
ends 6
is "$(cat "$lock")" thief
stolen_back

# Once: who removes it again means it, as anybody may.
loser ': >"$1"' 'rm "$1"; rm "$1"'
steal
ends 6
absent "$lock"
rm "$dir/stolen"
wait "$thief" && fail "the thief kept what was removed"

# He gets it again, and releases that one.
loser ': >"$1"' ': >"$1"; rm "$1"'
"$cli" run --session thief -- rm "$lock"
ends 6 "$by"
absent "$lock"

# Outsiders tell nobody.
loser ': >"$1"' 'rm -f "$1"'
rm "$lock"
ends 6 '.error.by == "outsider"'
absent "$lock"
loser ': >"$1"' 'rm "$1"'
rm "$lock"
echo outsider >"$lock"
ends 6 '.error.by == "outsider"'
is "$(cat "$lock")" outsider
rm "$lock"

# Whose lock was not touched, or who released it himself, has lost nothing; COMMAND's own failure comes second.
loser ': >"$1"' 'rm "$1"'
ends 0
loser ': >"$1"' 'mv "$1" "$1.done"; rm "$1.done"'
ends 0
loser ': >"$1"' 'exit 3'
ends 3
loser ': >"$1"' 'exit 3'
"$cli" run --session thief -- rm "$lock"
ends 6 '.error.exit_status == 3'

# --json has it too, and a run is not tried again for it.
status=0
"$cli" run --json --retry 3 --session loser -- sh -Cc ': >"$1"; "$0" run --session thief -- rm "$1"' "$cli" "$lock" \
	>"$dir/json" || status=$?
is "$status" 6
is "$(jq -r '.error.code, .meta.attempts' "$dir/json" | xargs)" "LOCK_LOST 1"
mount_stop
