#!/bin/bash
# The JSON of `run`: its three modes, reports, conflicts, retries and time limits.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
mount_start

# runs WANTED OPTION...: of `run`; stdout and stderr in files.
runs() {
	local wanted=$1 got=0

	shift
	timeout 60 "$cli" run "$@" >"$dir/out" 2>"$dir/err" || got=$?
	is "$got" "$wanted" "run $* ($(tail -n 1 "$dir/err"))"
}

# says FILTER WANTED: of the envelope on stdout, which is all there is.
says() {
	is "$(wc -l <"$dir/out")" 1
	json_envelope "$dir/out"
	is "$(jq -c "$1" "$dir/out")" "$2" "$1"
}

# --json: one envelope, of success and of failure.
runs 0 --json --session j -- sh -c 'echo out; echo err >&2'
says '[.ok, .data.stdout, .data.stderr, .data.exit_status, .data.session]' \
	'[true,"out\n","err\n",0,"j"]'
says '[.meta.session, .meta.exit_source, .meta.attempts]' '["j","command",1]'
is "$(cat "$dir/err")" ''
runs 5 --json -- sh -c 'echo out; echo err >&2; exit 5'
says '[.ok, .data, .error.code, .error.exit_code, .error.stdout, .error.stderr]' \
	'[false,null,"COMMAND_FAILED",5,"out\n","err\n"]'
says .meta.exit_source '"command"'
runs 137 --json -- sh -c 'kill -9 $$'
says '[.error.exit_status, .error.signal]' '[137,9]'
runs 127 --json -- no-such-command
says '[.error.code, .error.exit_code, .meta.exit_source]' '["COMMAND_NOT_FOUND",127,"sessionfs"]'
says '[.error.exit_status, .error.kept]' '[127,{"changes":false,"ephemeral":true}]'
runs 126 --json --session j -- /etc/passwd
says '[.error.code, .error.exit_code]' '["COMMAND_NOT_EXECUTABLE",126]'
says '[.error.exit_status, .error.kept.ephemeral, .meta.session]' '[126,false,"j"]'
runs 2 --json --bogus -- true
says '[.error.code, .error.exit_code]' '["VALIDATION_ERROR",2]'
runs 2 --json --on-exit=publish -- true
says .error.code '"VALIDATION_ERROR"'
runs 12 --json --mountpoint "$dir/run" -- true
says '[.error.code, .error.retryable]' '["UNAVAILABLE",true]'

# What is no text, and what is too much.
runs 0 --json -- printf '\377\376'
says '[.data.stdout, .data.stdout_b64, .meta.truncated]' '[null,"//4=",null]'
runs 0 --json -- sh -c 'yes aaaaaaa | head -c 3000000'
says '[(.data.stdout | length), .meta.truncated]' '[1048576,true]'
runs 0 --json -- sh -c 'head -c 3000000 /dev/zero >&2; echo whole'
says '[.data.stdout, .meta.truncated]' '["whole\n",true]'

# What is left over is not ended by the pipe that nobody reads any more.
runs 0 --json --session bg -- sh -c "(sleep 0.3; seq 20000; seq 20000; echo end >$share/end) &"
says '.warnings[0][0:8]' '"LEFTOVER"'
says '.data.leftover | length > 0' true
within 10 test -e "$mnt/sessions/0/bg$share/end"

# on-error: COMMAND's stdout as it is, however much, whatever it ends with.
runs 0 --json=on-error -- head -c 5000000 /dev/zero
is "$(stat -c %s "$dir/out")" 5000000
runs 9 --json=on-error -- sh -c 'printf "no newline"; echo e >&2; exit 9'
is "$(cat "$dir/out")" 'no newline'
is "$(cat "$dir/err")" e
runs 127 --json=on-error -- no-such-command
says .error.code '"COMMAND_NOT_FOUND"'

# The environment says it for callers that cannot.
SESSIONFS_RUN_JSON=always runs 0 -- echo x
says .data.stdout '"x\n"'
SESSIONFS_RUN_JSON=on-error runs 0 -- echo x
is "$(cat "$dir/out")" x
SESSIONFS_RUN_JSON=off runs 0 -- echo x
is "$(cat "$dir/out")" x
SESSIONFS_RUN_JSON=nonsense runs 2 -- echo x
is "$(cat "$dir/out")" ''

# A report in every case, to a file or a descriptor.
runs 0 --report "$dir/report" -- echo x
is "$(cat "$dir/out")" x
json_envelope "$dir/report"
is "$(jq -c '[.ok, .data.exit_status]' "$dir/report")" '[true,0]'
runs 3 --report "$dir/report" -- sh -c 'exit 3'
is "$(jq -r .error.code "$dir/report")" COMMAND_FAILED
runs 2 --report "$dir/report" --retry=x -- true
json_envelope "$dir/report"
is "$(jq -r .error.code "$dir/report")" VALIDATION_ERROR
runs 12 --report "$dir/report" --mountpoint "$dir/run" -- true
is "$(jq -r .error.code "$dir/report")" UNAVAILABLE
runs 0 --report 8 -- sh -c '! { true >&8; } 2>/dev/null' 8>"$dir/report"
json_envelope "$dir/report"
runs 2 --report 8 -- true

mount_stop
share_options='lock=*.lock'
mount_start

# A failure for a held lock: an envelope ends stderr, or is stdout.
mkfifo "$dir/go"
hold() {
	"$cli" run --session holder -- sh -c "set -C; echo \$\$ >$share/a.lock; : >$share/ready; read x <$dir/go" &
	holder=$!
	within 10 test -e "$mnt/sessions/0/holder$share/ready"
}
take="set -C; echo output; echo x >$share/a.lock || exit 1"
hold
runs 4 -- sh -c "$take"
is "$(cat "$dir/out")" output
tail -n 1 "$dir/err" >"$dir/last"
json_envelope "$dir/last"
is "$(jq -c '[.error.code, .error.exit_code, .error.reason, .error.retryable, .error.lock.path,
	.error.holder.session, .meta.exit_source, .error.exit_status]' "$dir/last")" \
	"[\"LOCK_HELD\",4,\"held\",true,\"$share/a.lock\",\"holder\",\"sessionfs\",1]"
[[ $(jq .error.retry_after_ms "$dir/last") -ge 50 ]] || fail retry_after_ms
runs 4 --json -- sh -c "$take"
says '[.error.code, .error.stdout]' '["LOCK_HELD","output\n"]'
runs 4 --json=on-error -- sh -c "$take"
says '[.error.code, .error.stdout]' '["LOCK_HELD","output\n"]'

# A COMMAND that fails for another reason after it got the lock elsewhere is its own failure.
runs 7 -- sh -c 'exit 7'
is "$(cat "$dir/err")" ''

# --retry: as soon as the lock is free, and no more often than asked for.
runs 4 --retry 1 --json -- sh -c "$take" &
retrier=$!
wait "$retrier"
says .meta.attempts 2
# The time may be over while it waits: COMMAND is not blamed, and who holds the lock is told.
runs 10 --retry 9 --timeout 700ms --session late --json -- sh -c "$take"
says '[.error.code, .error.retryable, .error.lock.path, .error.holder.session, .error.exit_status, .error.stdout, .meta.session]' \
	"[\"TIMEOUT\",true,\"$share/a.lock\",\"holder\",1,\"output\\n\",\"late\"]"
[[ $(jq -r .error.message "$dir/out") == "--timeout 700ms was over while sh waited to run again: $share/a.lock is held by"* ]] ||
	fail "$(jq -r .error.message "$dir/out")"
timeout 60 "$cli" run --retry 5 --json --session patient -- sh -c "$take" >"$dir/patient" &
retrier=$!
waits() {
	[[ $("$cli" locks | jq '[.data.locks[].lock.waiters] | add') -gt 0 ]]
}
within 10 waits
echo x >"$dir/go"
wait "$holder"
wait "$retrier"
is "$(jq -c '[.ok, .data.stdout]' "$dir/patient")" '[true,"output\n"]'

# wait: free, or a time-out that names the holder.
is "$("$cli" wait "$share/a.lock" | jq -c .data.free)" true
"$cli" rm holder >/dev/null
hold
status=0
"$cli" wait "$share/a.lock" --timeout 100ms >"$dir/out" || status=$?
is "$status" 10
says '[.error.code, .error.holder.session]' '["TIMEOUT","holder"]'
status=0
(cd "$share" && "$cli" wait ./a.lock --timeout 100ms >"$dir/out") || status=$?
is "$status" 10 'a relative path'
is "$("$cli" locks "$share" | jq -c '[.data.locks[].lock.path]')" "[\"$share/a.lock\"]"
echo x >"$dir/go"
wait "$holder"

# --timeout: all that COMMAND has started is ended.
runs 10 --timeout 300ms -- sh -c "sleep 61 & sleep 62"
[[ $(cat "$dir/err") == 'sessionfs: sh ran longer than 300ms'* ]] || fail "$(cat "$dir/err")"
nothing_left() {
	! pgrep -f 'sleep 6[12]' >/dev/null
}
within 5 nothing_left
runs 10 --timeout 1s --json -- sh -c 'echo before; sleep 61'
says '[.error.code, .error.stdout, .error.exit_status]' '["TIMEOUT","before\n",143]'
runs 10 --timeout 1s --json -- sh -c 'trap "exit 0" TERM; sleep 61 & wait'
says .error.exit_status 0
runs 0 --timeout 60s -- true

mount_stop
