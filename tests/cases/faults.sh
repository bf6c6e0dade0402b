#!/bin/bash
# What the backing file systems answer when they cannot: the program gets that error, and nothing is
# half done. lib_faults.py says how.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Under a sanitizer the calls are the same, and each takes ten times as long.
[[ ${SESSIONFS_TREE-} != asan ]] || skip "done with the release build"
type -P strace >/dev/null || skip "no strace"

CASE_SECONDS=110
sweep() {
	local v

	mount_start
	v=$(session_make s)
	"$python" -B "$here/lib_faults.py" "$mnt" "$share" "$v" "$@"
	mount_stop
	rm -rf "$share" "$store"
	mkdir "$share"
}

sweep "$@"
# What differs without passthrough is what reads and writes.
way=(--no-passthrough)
if [[ ${SESSIONFS_LONG-} || $# -gt 0 ]]; then
	sweep "$@"
else
	sweep read copy-up truncate
fi
