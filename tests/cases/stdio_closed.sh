#!/bin/bash
# Standard descriptors that are closed, or take nothing.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

closed='[ ! -e /proc/self/fd/0 ] && [ ! -e /proc/self/fd/2 ]'

# The daemon without any of the three: their numbers are nobody else's, and it is mounted. That
# its answer went nowhere makes no success of it.
watchdog_start
status=0
timeout 30 "$cli" mount "$mnt" --store "$store" --config "$dir/config.json" --share "$share" \
	<&- >&- 2>&- || status=$?
is "$status" 1
mount_start
is "$(jq .data.noop "$dir/mount.json")" true
is "$(readlink "/proc/$supervisor/fd/0")" /dev/null
is "$(readlink "/proc/$supervisor/fd/2")" "$store/log"

# What is said goes nowhere, and not into a file that happens to have the number.
v=$(session_make a)
"$cli" run --session a --report "$v/report" --json -- sh -c 'echo out; echo err >&2' \
	<&- 2>&- >"$dir/out"
json_envelope "$dir/out"
is "$(jq -r .data.stdout+.data.stderr "$dir/out" | xargs)" 'out err'
same "$dir/out" "$v/report"
"$cli" show a <&- 2>&- >"$dir/out"
json_envelope "$dir/out"

# COMMAND finds closed what was closed.
"$cli" run --session a -- sh -c "$closed" <&- 2>&- || fail 'they are open'
"$cli" enter a -- sh -c "$closed" <&- 2>&- || fail 'they are open'

# A result that is not taken is no success; COMMAND's own failure stays what it is.
for form in always on-error; do
	for wanted in 1 3; do
		status=0
		"$cli" run --session a --json=$form -- sh -c "echo hi; exit $((wanted == 3 ? 3 : 0))" \
			>/dev/full 2>"$dir/err" || status=$?
		is "$status" $wanted "$form"
		grep -q stdout "$dir/err" || fail "$form: $(cat "$dir/err")"
	done
done
mount_stop
