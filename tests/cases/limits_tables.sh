#!/bin/bash
# Tables that are full: who asks for more is told so plainly, nothing is left half done, and all goes on
# when something was released.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

max_locks=16384

echo '{"sessions": {"max_sessions": 3}}' >"$dir/config.json"
mount_start

# refused ARGUMENT...: exits with 4 for a limit, and names it.
refused() {
	local status=0

	"$cli" "$@" --json >"$dir/out" || status=$?
	is "$status" 4 "$*"
	is "$(jq -r .error.code "$dir/out")" LIMIT_REACHED "$*"
	[[ $(jq -r .error.message "$dir/out") == *'sessions.max_sessions is 3'* ]] || fail "$(cat "$dir/out")"
}

sessions() {
	local v

	v=$(session_make a)
	session_make b >/dev/null
	session_make c >/dev/null
	refused create d
	refused create
	"$cli" create a >/dev/null || fail "one that is there already"
	"$cli" run --session b -- true || fail "a run in one that is there"
	status=0
	"$cli" run --json -- touch "$dir/ran" >"$dir/out" || status=$?
	is "$status $(jq -r .error.code "$dir/out")" "4 LIMIT_REACHED" "run"
	absent "$dir/ran" "$store/sessions/0/d"
	is "$(find "$store/sessions/0" -mindepth 1 -maxdepth 1 | wc -l)" 3 "in the store"
	"$cli" rm c >/dev/null
	"$cli" run -- true || fail "a run after one was removed"
	session_make d >/dev/null
	refused create e
	"$cli" rm b d >/dev/null
	echo x >"$v/x"
}

cat >"$dir/take.py" <<'END'
import errno, os, sys

# Takes locks until it is refused, says how, and lets some go when it is told to.
top, count = sys.argv[1], int(sys.argv[2])
taken = 0
error = None
try:
    while taken <= count:
        os.mkdir(f"{top}/{taken}.lock")
        taken += 1
except OSError as caught:
    error = caught
print(taken, errno.errorcode[error.errno] if error else "none", os.path.lexists(f"{top}/{taken}.lock"), flush=True)
sys.stdin.readline()
for n in range(10):
    os.rmdir(f"{top}/{n}.lock")
print("gone", flush=True)
sys.stdin.readline()
END

locks() {
	local other

	mkdir "$share/many"
	"$cli" create b >/dev/null
	mkfifo "$dir/go"
	"$python" "$dir/take.py" "$mnt/sessions/0/a$share/many" $max_locks <"$dir/go" >"$dir/said" &
	exec 5>"$dir/go"
	within 60 test -s "$dir/said"
	is "$(cat "$dir/said")" "$max_locks ENOLCK False" "who takes too many"
	absent "$share/many/$max_locks.lock"
	is "$(status locks)" $max_locks
	# Others are refused as plainly, in each way to take one; what is no lock goes on.
	other=$mnt/sessions/0/b$share
	refuse 'No locks available' mkdir "$other/d.lock"
	refuse 'No locks available' ln -s x "$other/s.lock"
	refuse 'No locks available' sh -c "set -C; : >'$other/f.lock'"
	absent "$other/d.lock" "$share/d.lock" "$share/s.lock" "$share/f.lock"
	echo fine >"$other/plain"
	echo go >&5
	within 10 grep -q gone "$dir/said"
	is "$(status locks)" $((max_locks - 10))
	(set -C && : >"$other/f.lock") || fail "one that was released"
	is "$(status locks)" $((max_locks - 9))
	rm "$other/f.lock"
	exec 5>&-
	wait $!
}

sessions
locks
mount_stop
