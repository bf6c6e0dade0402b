#!/bin/bash
# When a holder leaves: a lock is free when the last process of its run is gone, never before, whoever is
# killed; and it outlives the worker.
# Programs in single quotes are for other shells.
# shellcheck disable=SC2016
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

mount_start
lock=$share/t.lock
seen=$mnt/locks$share/t.lock.json

# hold PROGRAM: a run whose COMMAND takes the lock, and then is that program of $0 (the case's folder).
# Sets $runner, $command, $keeper.
hold() {
	rm -f "$dir/ready"
	"$cli" run --session "${session-holder}" -- sh -c \
		'set -Ce; : >"$1"; echo $$ >"$0/ready"; '"$1" "$dir" "$lock" 2>"$dir/hold.err" &
	runner=$!
	within 10 test -s "$dir/ready"
	command=$(<"$dir/ready")
	keeper=$(awk '{ print $4 }' "/proc/$command/stat")
	is "$(cat "/proc/$keeper/comm")" sessionfs-keep
	is "$(jq -r .holder.pid "$seen")" "$command"
}

gone() {
	[[ ! -e /proc/$1 ]] || [[ $(cut -d ' ' -f 3 "/proc/$1/stat") == Z ]]
}

free() {
	[[ ! -e $seen && ! -e $lock ]] && is "$(jq -c .locks "$mnt/locks.json")" '[]'
}

refused() {
	local status=0

	"$cli" run --session other -- sh -Cc ': >"$0"' "$lock" 2>/dev/null || status=$?
	is "$status" 4 "${1-the lock of a live run}"
}

taken() {
	"$cli" run --session other -- sh -Cc ': >"$0" && rm "$0"' "$lock" || fail 'the lock is not free'
}

# COMMAND ends, in each way. Before `run` returns, for its caller's next command is to meet nothing.
for how in 'true' 'exit 3' 'kill -9 $$' 'kill -TERM $$'; do
	"$cli" run --session holder -- sh -c "set -Ce; : >\"\$0\"; $how" "$lock" || true
	free || fail "not free after: $how"
done
taken

# Somebody kills one of them.
hold 'exec sleep 60'
kill -9 "$command"
status=0
wait $runner || status=$?
is "$status" 137
free || fail 'not free after the death of COMMAND'

hold 'exec sleep 60'
kill -9 "$runner"
wait $runner 2>/dev/null || true
refused 'the lock of a COMMAND whose `run` was killed'
kill "$command"
within 5 free

hold 'exec sleep 60'
kill -9 "$keeper"
refused 'the lock of a COMMAND whose keeper was killed'
is "$(jq '[.sessions[].runs[]] | length' "$mnt/sessions.json")" 1
# `run` says that it does not know how COMMAND ended; the command lives.
wait $runner 2>/dev/null || true
! gone "$command" || fail 'COMMAND died with its keeper'
refused 'the lock of a COMMAND without keeper and `run`'
kill -9 "$command"
within 5 free
is "$(jq '[.sessions[].runs[]] | length' "$mnt/sessions.json")" 0

hold 'exec sleep 60'
kill -9 "$keeper" "$runner" 2>/dev/null
wait $runner 2>/dev/null || true
refused
kill -9 "$command"
within 5 free

hold 'exec sleep 60'
kill -9 "$keeper" "$runner" "$command" 2>/dev/null
wait $runner 2>/dev/null || true
within 5 free
taken

# What is left over in the background keeps the lock.
for background in 'sleep 60' 'setsid sleep 60' 'env -i /bin/sleep 60' 'unshare -m sleep 60' 'nohup sleep 60'; do
	"$cli" run --session holder -- sh -Cc ": >\"\$1\"; $background >/dev/null 2>&1 & echo \$! >|\"\$0/left\"" \
		"$dir" "$lock" 2>"$dir/hold.err"
	grep -q LEFTOVER "$dir/hold.err" || fail "no warning of $background: $(cat "$dir/hold.err")"
	refused "the lock of a left-over: $background"
	is "$(jq .holder.alive "$seen")" true "somebody of the run"
	kill "$(<"$dir/left")"
	within 5 free
done

# Where the keeper is killed, the daemon knows a left-over process by its mount namespace or its environment.
for background in 'sleep 60' 'unshare -m sleep 60'; do
	hold "$background >/dev/null 2>&1 & echo \$! >|\"\$0/left\"; exec sleep 60"
	within 5 test -s "$dir/left"
	kill -9 "$keeper"
	wait $runner 2>/dev/null || true
	kill -9 "$command"
	sleep 1.5
	refused "a left-over without keeper: $background"
	kill "$(<"$dir/left")"
	rm "$dir/left"
	within 5 free
done

# A run in a run holds for itself: with its end its locks are free, the outer's are not.
"$cli" run --session holder -- sh -Cc ': >"$2"; "$0" run -- sh -Cc ": >\"\$0\"" "$2.lock"
	test ! -e "$2.lock" && test -e "$1" && "$0" run -- sh -Cc ": >\"\$0\"" "$2"' \
	"$cli" "$seen" "$lock" 2>"$dir/err" || status=$?
is "$status" 4 "$(cat "$dir/err")"
within 1 free

# A helper took it for a process that lives: that one is shown, in every answer.
"$cli" run --session holder -- sh -c 'sh -Cc "echo \$PPID >\"\$0\"" "$1"; echo $$ >"$0/ready"; exec sleep 60' "$dir" "$lock" &
runner=$!
rm -f "$dir/ready"
within 10 test -s "$dir/ready"
command=$(<"$dir/ready")
within 5 grep -q sleep "/proc/$command/comm"
shown='.holder | [.pid, .alive, .command, .session] | tojson'
is "$(jq -r "$shown" "$seen")" "[$command,true,[\"sleep\",\"60\"],\"holder\"]"
is "$(jq -r ".locks[] | $shown" "$mnt/locks.json")" "[$command,true,[\"sleep\",\"60\"],\"holder\"]"
[[ $(jq -r .message "$seen") == *" is held by sleep (pid $command, "* ]] || fail "$(jq .message "$seen")"
status=0
"$cli" run --session other --json -- sh -Cc ': >"$0"' "$lock" >"$dir/json" || status=$?
is "$status $(jq -r ".error | $shown" "$dir/json")" "4 [$command,true,[\"sleep\",\"60\"],\"holder\"]"
# Somebody else's process may be named, but nothing of it is told; and a dead one says nothing.
echo 1 >|"$lock"
chown 1000 "$lock"
is "$(jq -r .holder.pid "$seen")" 1
echo 4194303 >|"$lock"
is "$(jq -r '.holder.alive' "$seen")" true
kill "$command"
wait $runner 2>/dev/null || true
within 1 free
chmod 777 "$dir" "$share"
as 1000 "$cli" run -- sh -c 'sh -Cc "echo 1 >\"\$0\"" "$1"; echo $$ >"$0/ready2"; exec sleep 60' "$dir" "$lock" 2>/dev/null || true &
runner=$!
within 10 test -s "$dir/ready2"
is "$(jq -c '.holder | [.pid, .command, .cwd]' "$seen")" '[1,[],null]'
kill "$(<"$dir/ready2")"
wait $runner 2>/dev/null || true
within 5 free
chmod 755 "$dir" "$share"

# A stopped holder holds.
hold 'exec sleep 60'
kill -STOP "$command"
sleep 1.2
refused 'the lock of a stopped COMMAND'
kill -KILL "$command"
wait $runner 2>/dev/null || true
within 1 free

# Outside a run: while anybody of the creator's process group lives, its helper that made the lock may be gone.
setsid bash -c 'mkdir "$1/t.lock" && echo $$ >"$0/ready" && sleep 60; :' "$dir" "$(session_make plain)" &
plain=$!
rm -f "$dir/ready"
within 5 test -s "$dir/ready"
plain=$(<"$dir/ready")
sleep 1.5
is "$(jq -r '.holder.session, .holder.run, .lock.state, .holder.alive' "$seen" | xargs)" 'plain null held true'
refused 'the lock of a process group'
kill -9 -- "-$plain"
within 5 free
taken

# The worker is killed while runs hold locks: they hold them still, and free them when they end.
hold 'exec sleep 60'
token=$(jq .lock.fencing_token "$seen")
"$cli" run --session flock -- sh -c 'exec 9>"$0.flock.lock"; flock 9; echo $$ >"$1"; exec sleep 60' "$lock" "$dir/flocker" &
flocking=$!
within 5 test -s "$dir/flocker"
for _ in 1 2 3; do
	kill -9 "$(status worker_pid)"
	refused 'the lock after the death of the worker'
	is "$(jq -r '.lock.fencing_token, .holder.session, .lock.state' "$seen" | xargs)" "$token holder held"
	is "$(jq -r .holder.session "$mnt/locks$share/t.lock.flock.lock.json")" flock
	status=0
	"$cli" run --session other -- flock -n "$lock.flock.lock" true 2>/dev/null || status=$?
	is "$status" 4 'a flock after the death of the worker'
done
# A waiter on the way goes on.
"$cli" wait "$lock" --timeout 20s >"$dir/waited" &
waiting=$!
within 5 jq -e '.lock.waiters == 1' "$seen"
kill -9 "$(status worker_pid)"
kill -9 "$command"
kill "$(<"$dir/flocker")"
wait $runner $flocking 2>/dev/null || true
within 5 free
wait $waiting || fail "$(cat "$dir/waited")"
is "$(jq .data.free "$dir/waited")" true
taken
# The keeper is killed while there is no worker to see it.
hold 'exec sleep 60'
worker=$(status worker_pid)
kill -STOP "$worker"
kill -9 "$keeper" "$command"
kill -9 "$worker"
wait $runner 2>/dev/null || true
within 5 free
taken
is "$(status runs)" 0
is "$(status locks)" 0
mount_stop
