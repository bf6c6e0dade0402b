#!/bin/bash
# `run` and its COMMAND: exit status, stdio, environment, left-over processes, as with env(1).
# Programs in single quotes are for other shells.
# shellcheck disable=SC2016
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
mount_start

# exits WANTED COMMAND...: with that status; stdout and stderr in files.
exits() {
	local wanted=$1 got=0

	shift
	"$@" >"$dir/out" 2>"$dir/err" || got=$?
	is "$got" "$wanted" "$* ($(tail -n 1 "$dir/err"))"
}

exits 0 "$cli" run -- true
exits 0 "$cli" run true
for status in 1 2 4 6 12 42 126 255; do
	exits "$status" "$cli" run -- sh -c "exit $status"
done
exits 137 "$cli" run -- sh -c 'kill -9 $$'
exits 143 "$cli" run -- sh -c 'kill -TERM $$'
exits 127 "$cli" run -- no-such-command-at-all
is "$(cat "$dir/err")" 'sessionfs: no-such-command-at-all: command not found'
exits 127 "$cli" run -- /no/such/command
exits 126 "$cli" run -- /etc/passwd
exits 126 "$cli" run -- /
is "$(cat "$dir/out")" ''

# A plain failure of COMMAND adds nothing to its output.
exits 3 "$cli" run -- sh -c 'echo out; echo err >&2; exit 3'
is "$(cat "$dir/out")" out
is "$(cat "$dir/err")" err

# Arguments, stdin, inherited descriptors, umask, environment.
is "$("$cli" run -- printf '%s|' a 'b c' '' --json -- '*')" 'a|b c||--json|--|*|'
is "$(echo data | "$cli" run -- cat)" data
is "$("$cli" run -- sh -c 'echo seven >&7' 7>&1 >/dev/null)" seven
is "$(umask 027; "$cli" run -- sh -c umask)" 0027
is "$(X=y "$cli" run -- sh -c 'echo $X')" y
is "$("$cli" run --session env-1 -- sh -c 'echo $SESSIONFS_SESSION $SESSIONFS_MOUNT')" "env-1 $mnt"
[[ $("$cli" run -- sh -c 'echo $SESSIONFS_RUN') == r-* ]] || fail 'SESSIONFS_RUN'
is "$("$cli" run -- sh -c 'ls /proc/self/fd' | sort -n | tr '\n' ' ')" \
	"$(env sh -c 'ls /proc/self/fd' | sort -n | tr '\n' ' ')" 'open descriptors'
is "$("$cli" run -- grep -E 'Sig(Blk|Ign)' /proc/self/status)" \
	"$(env grep -E 'Sig(Blk|Ign)' /proc/self/status)" 'signal mask'
is "$(cd /usr/lib; "$cli" run -- pwd)" /usr/lib

# The same process group and session as the caller's.
is "$("$cli" run -- "$python" -c 'import os; print(os.getpgrp(), os.getsid(0))')" \
	"$("$python" -c 'import os; print(os.getpgrp(), os.getsid(0))')"

# A million bytes through each stream, unchanged.
head -c 3000000 /dev/urandom >"$dir/random"
"$cli" run -- cat <"$dir/random" >"$dir/copy"
cmp "$dir/random" "$dir/copy"

# What is left over goes on, is named, and holds neither `run` nor its pipes.
mkfifo "$dir/go"
exits 0 timeout 20 "$cli" run --session bg -- sh -c "(read x <$dir/go; echo late >$share/late) \
	>/dev/null 2>&1 & echo started"
is "$(cat "$dir/out")" started
[[ $(cat "$dir/err") == 'sessionfs: warning: LEFTOVER: '*sh* ]] || fail "$(cat "$dir/err")"
is "$("$cli" show bg | jq '.data.runs | length')" 1 'the run goes on'
refuse 'lives in it' "$cli" rm bg
echo x >"$dir/go"
within 10 test -e "$mnt/sessions/0/bg$share/late"
run_is_over() {
	[[ $("$cli" show bg | jq '.data.runs | length') == 0 ]]
}
within 10 run_is_over
absent "$share/late"
"$cli" rm bg >/dev/null

# The keeper has neither stdio nor a directory of the view, and ends with the last process.
"$cli" run -- sleep 30 >"$dir/out" 2>&1 &
runner=$!
keeper() {
	keeper=$(pgrep -P "$runner" -x sessionfs-keep)
}
within 10 keeper
keeper
keeper_has_started() {
	[[ $(pgrep -P "$keeper" -x sleep) ]] && [[ $(readlink "/proc/$keeper/cwd") == / ]]
}
within 10 keeper_has_started
for fd in /proc/"$keeper"/fd/*; do
	target=$(readlink "$fd" || true)
	[[ $target == pipe:* || $target == anon_inode:* || $target == "$mnt/ctl" ]] ||
		fail "the keeper holds $target"
done
kill -TERM "$runner"
status=0
wait "$runner" || status=$?
is "$status" 143
absent "/proc/$keeper"

# Killed, `run` leaves COMMAND to itself, as a killed shell does.
"$cli" run --session orphan -- sh -c "read x <$dir/go; echo done >$share/done" >"$dir/out" 2>&1 &
runner=$!
orphan_runs() {
	[[ $("$cli" ls | jq '[.data.sessions[] | select(.session == "orphan") | .runs[]] | length') == 1 ]] &&
		within 5 pgrep -P "$(pgrep -P "$runner" -x sessionfs-keep)" -x sh
}
within 10 orphan_runs
kill -9 "$runner"
wait "$runner" 2>/dev/null || true
echo x >"$dir/go"
within 10 test -e "$mnt/sessions/0/orphan$share/done"
orphan_is_over() {
	[[ $("$cli" ls | jq '[.data.sessions[].runs[]] | length') == 0 ]]
}
within 10 orphan_is_over

mount_stop
