#!/bin/bash
# Locks that real programs take by file names: who gets them, what the others are told, when they are free.
# Programs in single quotes are for other shells.
# shellcheck disable=SC2016
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cat >"$dir/take" <<'SH'
# take IDIOM LOCK: what a program does to get it
case $1 in
create) set -C; echo $$ >"$2" ;;
mkdir) mkdir "$2" ;;
symlink) ln -s "$(hostname)-$$" "$2" ;;
flock) exec 9>>"$2"; flock -n 9 ;;
presence) echo $$ >"$2" ;;
esac
SH
cat >"$dir/hold" <<'SH'
# hold IDIOM LOCK READY GO: takes it, and holds it until told; then it leaves the lock to its run's end
set -eu
. "${0%/*}/take"
echo $$ >"$3"
read -r _ <"$4"
SH
mkfifo "$dir/go"

# hold IDIOM [NAME]: a run of session `holder` that holds the lock; $holder is `run`.
hold() {
	rm -f "$dir/ready"
	"$cli" run --session holder -- sh "$dir/hold" "$1" "$share/${2-t.lock}" "$dir/ready" "$dir/go" &
	holder=$!
	within 10 test -s "$dir/ready"
}

# Opened for both, the FIFO blocks nobody here.
exec 8<>"$dir/go"
release() {
	echo go >&8
	wait "$holder" || fail "the holder's status is $?"
}

locks() {
	jq -r '.locks[].lock.path' "$mnt/locks.json"
}

# told FILE CODE JQ: the file holds one line, an envelope of that error code, of which JQ is true.
told() {
	is "$(wc -l <"$1")" 1 "$(cat "$1")"
	json_envelope "$1"
	is "$(jq -r .error.code "$1")" "$2"
	is "$(jq "$3" "$1")" true "$3 of $(cat "$1")"
}

# what a program says and returns when it meets its lock, native
mkdir "$dir/native"
native() {
	status=0
	TMPDIR=$dir/native sh "$dir/take" "$1" "$dir/native/t.lock" 2>"$dir/native.err" || status=$?
	sed -i "s|$dir/native|$share|g" "$dir/native.err"
}

one_idiom() {
	local idiom=$1 expected token lock=$mnt/locks$share/t.lock.json

	absent "$lock"
	hold "$idiom"
	# What is seen: one file, the same in the list, the same from the verb.
	is "$(jq -r '.code, .lock.path, .lock.idiom, .lock.state, .holder.session, .holder.uid' "$lock" | xargs)" \
		"LOCK_HELD $share/t.lock $idiom held holder 0"
	is "$(jq '.retryable and .retry_after_ms >= 50 and .retry_after_ms <= 5000 and (.lock.external | not)
		and .holder.trusted == false and (.holder.run | startswith("r-"))' "$lock")" true
	is "$(ls "$mnt/locks$share")" t.lock.json
	is "$(locks)" "$share/t.lock"
	is "$(jq -c '.lock.fencing_token' "$lock")" "$("$cli" locks "$share/t.lock" | jq '.data.locks[0].lock.fencing_token')"
	token=$(jq .lock.fencing_token "$lock")
	((token > last)) || fail "token $token after $last"
	last=$token
	[[ -e $share/t.lock || -L $share/t.lock ]] || fail 'outsiders do not see the lock'

	# Denied: the program's own message and errno, then the envelope.
	if [[ $idiom != presence ]]; then
		rm -rf "$dir/native/t.lock"
		exec 7>>"$dir/flock"
		sh "$dir/take" "$idiom" "$dir/native/t.lock" 7>&-
		[[ $idiom != flock ]] || exec 7>>"$dir/native/t.lock"
		flock -n 7
		native "$idiom"
		expected=$status
		exec 7>&-
		((expected)) || fail 'the native program is not denied'
		status=0
		"$cli" run --session other -- sh "$dir/take" "$idiom" "$share/t.lock" 2>"$dir/err" || status=$?
		is "$status" 4
		head -n -1 "$dir/err" | same "$dir/native.err" /dev/stdin
		tail -n 1 "$dir/err" >"$dir/envelope"
		told "$dir/envelope" LOCK_HELD ".error.lock.idiom == \"$idiom\" and .error.exit_status == $expected
			and .error.reason == \"held\" and .error.holder.session == \"holder\" and .error.retryable
			and .meta.exit_source == \"sessionfs\" and .meta.session == \"other\""
		# Afterwards, from outside of any run of that session, and in a later one.
		is "$(SESSIONFS_SESSION=other jq -r '.code, .lock.fencing_token' "$mnt/last-conflict.json" | xargs)" "LOCK_HELD $token"
		is "$("$cli" run --session other -- jq -r .lock.path "$mnt/last-conflict.json")" "$share/t.lock"
		is "$(SESSIONFS_SESSION=else jq -c . "$mnt/last-conflict.json")" '{}'
		# A program that copes with it is left alone; the conflict can be read.
		"$cli" run --session other -- sh -c 'sh "$0" "$2" "$3/t.lock" 2>/dev/null || cat "$1/last-conflict.json"' \
			"$dir/take" "$mnt" "$idiom" "$share" >"$dir/said" 2>"$dir/err"
		is "$(jq -r '.code, .lock.fencing_token' "$dir/said" | xargs)" "LOCK_HELD $token"
		is "$(<"$dir/err")" ''
	else
		# Never denied; another's write does not change who holds it.
		"$cli" run --session other -- sh "$dir/take" presence "$share/t.lock"
		is "$(jq .lock.fencing_token "$lock")" "$token"
	fi

	# Probed: a program that looks and gives up; one that looks and succeeds is nobody's business.
	for probe in 'test -e "$0"' 'test -L "$0"' 'stat "$0" >&2' 'ls -d "$0" >&2'; do
		[[ $probe != *-L* || $idiom == symlink ]] || continue
		[[ $probe != 'test -e'* || $idiom != symlink ]] || continue
		status=0
		"$cli" run --session other -- sh -c "$probe"' && { echo "is locked" >&2; exit 75; }' "$share/t.lock" \
			2>"$dir/err" || status=$?
		is "$status" 4 "$probe: $(<"$dir/err")"
		tail -n 1 "$dir/err" >"$dir/envelope"
		told "$dir/envelope" LOCK_HELD '.error.exit_status == 75'
		is "$(tail -n 2 "$dir/err" | head -n 1)" 'is locked'
	done
	"$cli" run --session other -- sh -c 'test -e "$0"; true' "$share/t.lock" 2>"$dir/err"
	is "$(<"$dir/err")" ''
	# A failure that has nothing to do with it is the command's own.
	status=0
	"$cli" run --session other -- sh -c 'exit 9' 2>"$dir/err" || status=$?
	is "$status" 9
	is "$(<"$dir/err")" ''

	# Waiting: until its time is over, and until the lock is free.
	status=0
	"$cli" wait "$share/t.lock" --timeout 100ms >"$dir/envelope" || status=$?
	is "$status" 10
	told "$dir/envelope" TIMEOUT '.error.waited_ms >= 100 and .error.holder.session == "holder" and .error.retryable'
	"$cli" wait "$share/t.lock" --timeout 20s >"$dir/waited" &
	waiter=$!
	within 10 jq -e '.lock.waiters == 1' "$lock"
	release
	released=${EPOCHREALTIME/[.,]/}
	wait $waiter || fail "wait: $(cat "$dir/waited")"
	((${EPOCHREALTIME/[.,]/} - released < 1000000)) || fail 'wait woke late'
	is "$(jq .data.free "$dir/waited")" true
	absent "$lock"
	is "$(locks)" ''
	[[ $idiom == flock || $idiom == presence ]] || absent "$share/t.lock"
	rm -f "$share/t.lock"
	echo "$idiom: passed"
}

mount_start
last=0
for idiom in create mkdir symlink flock presence; do
	one_idiom "$idiom"
done

# Released by the holder himself, in any way that a name goes.
for how in 'rm "$0"' 'mv "$0" "$0.old" && rm "$0.old"' 'mv "$0" "${0%.lock}"'; do
	"$cli" run --session holder -- sh -c "set -Ce; : >\"\$0\"; $how; test ! -e \"\$1\"" "$share/t.lock" \
		"$mnt/locks$share/t.lock.json"
	absent "$share/t.lock"
done
"$cli" run --session holder -- sh -c 'set -e; mkdir "$0"; rmdir "$0"; ln -s x "$0"; rm "$0"; : >"$0"; flock "$0" true
	test ! -e "$1"; rm "$0"' "$share/t.lock" "$mnt/locks$share/t.lock.json"
is "$(locks)" ''

# A holder does not meet his own lock, nor does another process of his run.
"$cli" run --session holder -- sh -c 'set -C; : >"$0"; sh -Cc ": >\"\$0\"" "$0" 2>/dev/null; test -e "$0" && exit 9' \
	"$share/t.lock" 2>"$dir/err" || is $? 9
is "$(<"$dir/err")" ''
# Two runs of one session are two holders.
hold create
status=0
"$cli" run --session holder -- sh "$dir/take" create "$share/t.lock" 2>"$dir/err" || status=$?
is "$status" 4
release

# The rubric of an agent's tool: two instances of a mutating command at once. None corrupts the other, one is
# told LOCK_HELD on stdout, and does it again when it was told to.
cat >"$dir/tool" <<'SH'
echo "half of an answer"
if ! (set -C; echo $$ >"$1/tool.lock") 2>/dev/null; then
	echo "Error: lock file exists" >&2
	exit 1
fi
sleep 0.2
echo $(($(cat "$2") + 1)) >"$2"
rm "$1/tool.lock"
echo '{"ok": true}'
SH
cat >"$dir/caller.py" <<'PY'
import json, subprocess, sys, time
for attempt in range(20):
    done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode == 0:
        assert done.stdout == 'half of an answer\n{"ok": true}\n', done
        break
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "LOCK_HELD" and done.returncode == 4, error
    assert done.stderr == "Error: lock file exists\n", done.stderr
    assert 0 < error["retry_after_ms"] <= 5000 and error["retryable"], error
    print("told", error["retry_after_ms"])
    time.sleep(error["retry_after_ms"] / 1000)
else:
    sys.exit("never")
PY
tool() {
	"$python" "$dir/caller.py" "$cli" run --json=on-error -- sh "$dir/tool" "$share" "$dir/count"
}
echo 0 >"$dir/count"
# The history of the lock makes the estimate.
tool
tool
tool >"$dir/said.1" &
first=$!
tool >"$dir/said.2" &
wait $first
wait $!
is "$(<"$dir/count")" 4
is "$(sort -u <(cut -d ' ' -f 1 "$dir"/said.?))" told
awk '$2 > 1000 { exit 1 }' "$dir"/said.? || fail "an estimate without regard to the history: $(cat "$dir"/said.?)"
(($(cat "$dir"/said.? | wc -l) < 8)) || fail "told too often: $(cat "$dir"/said.?)"
rm -f "$share/tool.lock"

# --json: what the program said is in the envelope.
hold create
status=0
"$cli" run --json -- sh -c 'echo out; echo err >&2; test ! -e "$0"' "$share/t.lock" >"$dir/envelope" || status=$?
is "$status" 4
told "$dir/envelope" LOCK_HELD '.error.stdout == "out\n" and .error.stderr == "err\n" and .error.exit_status == 1'
status=0
"$cli" run --json=on-error --report "$dir/report" -- sh -c 'echo out; test ! -e "$0"' "$share/t.lock" >"$dir/envelope" || status=$?
same "$dir/envelope" "$dir/report"
# One that copes: its own stdout, unchanged.
"$cli" run --json=on-error -- sh -c 'test -e "$0" && printf "it is locked"' "$share/t.lock" >"$dir/said"
is "$(<"$dir/said")" 'it is locked'

# --retry: waits as no run, and tries again when it is free.
: >"$dir/tries"
"$cli" run --retry 1 -- sh -c 'echo x >>"$0"; sh "$1" create "$2"' "$dir/tries" "$dir/take" "$share/t.lock" \
	2>"$dir/err" &
retrying=$!
within 10 grep -q 'trying again' "$dir/err"
release
wait $retrying || fail "retry: $? $(cat "$dir/err")"
is "$(<"$dir/tries")" $'x\nx'
# As often as it was told, and no more.
hold create
: >"$dir/tries"
status=0
timeout 15 "$cli" run --retry 2 --timeout 400ms -- sh -c 'echo x >>"$0"; sh "$1" create "$2"' \
	"$dir/tries" "$dir/take" "$share/t.lock" 2>"$dir/err" || status=$?
[[ $status == 4 || $status == 10 ]] || fail "status $status: $(cat "$dir/err")"
(($(wc -l <"$dir/tries") <= 3)) || fail 'too many tries'
release
is "$(locks)" ''
mount_stop
