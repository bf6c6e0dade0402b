#!/bin/bash
# A worker that cannot lay down the capabilities that would leave set-id bits on a file registers none with the
# kernel: data go through the worker then, and what it may not write as it should it does not write.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
type -P strace >/dev/null || skip "no strace"

tracer=
case_cleanup() {
	[[ $tracer ]] && kill "$tracer" 2>/dev/null
	true
}

attached() {
	grep -q 'TracerPid:.[1-9]' "/proc/$(worker_pid)/status"
}

for name in before with; do
	echo old >"$share/$name"
	chmod 6755 "$share/$name"
done
mount_start
v=$(session_make s1)
echo new >>"$v/before"
is "$(stat -c %a "$v/before")" 755 "set-id bits after a write"

strace -qq -f -p "$(worker_pid)" -e inject=capset:error=EPERM -o "$dir/trace" &
tracer=$!
within 10 attached
(echo new >>"$v/with") 2>/dev/null || true
grep -q 'capset.*INJECTED' "$dir/trace" || fail "nothing was injected"
kill "$tracer"
wait "$tracer" || true
tracer=
case $(stat -c %a "$v/with"),$(tail -n 1 "$v/with") in
755,new | 6755,old) ;;
*) fail "written to, with the set-id bits on it: $(stat -c %a "$v/with"), $(tail -n 1 "$v/with")" ;;
esac
echo newer >>"$v/with"
is "$(stat -c %a "$v/with"),$(tail -n 1 "$v/with")" 755,newer "after it"
mount_stop
