#!/bin/bash
# Under --lock-timeout, or a share's lock_timeout_ms, flock and fcntl locks are waited for that a program would
# not have waited for.
# Programs in single quotes are for other shells.
# shellcheck disable=SC2016
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cat >"$dir/take.py" <<'PY'
import fcntl, struct, sys

# take.py HOW LOCK: takes it without waiting for it
how, path = sys.argv[1:]
f = open(path, "a+")
if how == "flock":
    fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
elif how == "fcntl":
    fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
else:
    F_OFD_SETLK = 37
    fcntl.fcntl(f, F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
PY
cat >"$dir/signals.py" <<'PY'
import fcntl, signal, sys

# A signal ends the wait as it ends that of any blocking call; one that restarts it does not.
f = open(sys.argv[1], "a+")
seen = []


def interrupt(number, frame):
    seen.append(number)
    if number == signal.SIGUSR2:
        raise InterruptedError


signal.signal(signal.SIGUSR1, interrupt)
signal.signal(signal.SIGUSR2, interrupt)
signal.siginterrupt(signal.SIGUSR1, False)
print("ready", flush=True)
try:
    fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
except InterruptedError:
    print("interrupted", flush=True)
PY
cat >"$dir/cross.py" <<'PY'
import fcntl, os, sys, time

# cross.py FIRST SECOND READY OTHER: takes the first, and the second when the other process has its first
first, second = (open(path, "a+") for path in sys.argv[1:3])
fcntl.lockf(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
open(sys.argv[3], "w").close()
while not os.path.exists(sys.argv[4]):
    time.sleep(0.01)
fcntl.lockf(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
PY
mkdir "$dir/ruled"
mount_with --share "$dir/ruled,lock=*.lock,lock_timeout_ms=60000"
lock=$share/t.lock
mkfifo "$dir/go"
exec 8<>"$dir/go"

# hold LOCK: by every kind, until told; $holder is `run`.
hold() {
	rm -f "$dir/ready"
	"$cli" run --session holder -- "$python" -c 'import fcntl, sys
f = open(sys.argv[1], "a+")
fcntl.flock(f, fcntl.LOCK_EX)
fcntl.lockf(f, fcntl.LOCK_EX)
open(sys.argv[2], "w").write("x")
open(sys.argv[3]).readline()' "$1" "$dir/ready" "$dir/go" &
	holder=$!
	within 10 test -s "$dir/ready"
}

release() {
	echo go >&8
	wait "$holder" || fail "the holder's status is $?"
}

waiters() {
	(($(status waiters) == $1))
}

# command_of RUN: the process that its keeper has started
command_of() {
	pgrep -P "$(pgrep -P "$1")"
}

# begin ARG...: a run in the background; $waiter
begin() {
	"$cli" run --session other --report "$dir/report" "$@" >"$dir/out" 2>"$dir/err" &
	waiter=$!
}

ended() {
	local status=0

	wait "$waiter" || status=$?
	is "$status" "$1" "$(cat "$dir/err")"
}

for how in flock fcntl ofd; do
	# Got when it is released
	hold "$lock"
	begin --lock-timeout 60s -- "$python" "$dir/take.py" $how "$lock"
	within 10 waiters 1
	release
	ended 0

	# Not got: the program says and returns what it always did, and the run that it was the time.
	hold "$lock"
	begin --lock-timeout 150ms -- "$python" "$dir/take.py" $how "$lock"
	ended 4
	grep -q 'BlockingIOError: \[Errno 11\]' "$dir/err" || fail "$(cat "$dir/err")"
	is "$(jq -r '.error | "\(.code) \(.reason) \(.exit_status) \(.waited_ms >= 150)"' "$dir/report")" \
		'LOCK_HELD timeout 1 true'
	within 10 waiters 0

	# Without, nothing is waited for, nor said of waiting.
	begin -- "$python" "$dir/take.py" $how "$lock"
	ended 4
	is "$(jq -r '.error | "\(.reason) \(.waited_ms)"' "$dir/report")" 'held null'
	release
done

# The share's rule, and the option before it
hold "$dir/ruled/t.lock"
begin --lock-timeout 0s -- flock -n "$dir/ruled/t.lock" true
ended 4
is "$(jq -r .error.reason "$dir/report")" held
begin -- flock -n "$dir/ruled/t.lock" true
within 10 waiters 1
# One that is killed waits no more; his look at the lock, by opening it, was a probe.
kill -9 "$(command_of "$waiter")"
within 10 waiters 0
ended 4
is "$(jq .error.signal "$dir/report")" 9
# Nor does who is in no run.
status=0
flock -n "$mnt/sessions/0/other$dir/ruled/t.lock" true || status=$?
is "$status" 1
release

hold "$lock"
begin --lock-timeout 60s -- "$python" "$dir/signals.py" "$lock"
within 10 waiters 1
command=$(command_of "$waiter")
kill -USR1 "$command"
within 10 waiters 1
kill -USR2 "$command"
ended 0
is "$(tail -n 1 "$dir/out")" interrupted
within 10 waiters 0
release

# In the order in which they came, whether they block or not; and a worker that is killed forgets nobody.
hold "$lock"
pids=()
for i in 1 2 3 4; do
	option=-n
	((i == 3)) && option=-x
	"$cli" run --lock-timeout 60s -- flock $option "$lock" sh -c 'echo "$1" >>"$0"' "$dir/order" $i &
	pids+=($!)
	within 10 waiters $i
done
kill -9 "$(status worker_pid)"
within 10 waiters 4
release
wait "${pids[@]}"
is "$(paste -sd ' ' "$dir/order")" '1 2 3 4'

# A run in a run has its own.
hold "$lock"
begin --lock-timeout 60s -- "$cli" run -- flock -n "$lock" true
ended 4
release

# Two that wait for each other: one is told at once, and the other gets it then.
pids=()
for order in 'a b' 'b a'; do
	read -r first second <<<"$order"
	"$cli" run --session "$first" --lock-timeout 60s --report "$dir/report.$first" -- "$python" "$dir/cross.py" \
		"$share/$first.lock" "$share/$second.lock" "$dir/has.$first" "$dir/has.$second" 2>"$dir/err.$first" &
	pids+=($!)
done
statuses=
for pid in "${pids[@]}"; do
	status=0
	wait "$pid" || status=$?
	statuses+="$status "
done
[[ $statuses == '0 4 ' || $statuses == '4 0 ' ]] || fail "the two return $statuses: $(cat "$dir"/err.?)"
is "$(jq -rs 'map(.error.reason // empty) | join(" ")' "$dir"/report.?)" deadlock

refuse 'at most 24h' "$cli" run --lock-timeout 25h -- true
mount_stop
