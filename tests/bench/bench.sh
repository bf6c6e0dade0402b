#!/bin/bash
# Compares sessionfs with the native directory and with its rivals; docs/benchmarks.md says how.
#
# Usage: tests/bench/bench.sh [--rounds N] [--quick] [--suite NAME]... [--contender NAME]...
#                             [--workload NAME]... [--against NAME=DIR]...
# Environment: ROUNDS, QUICK=1; SESSIONFS_BIN (build/bin); BENCH_DIR, BENCH_DISK: where scratch
# directories are made, in memory and on a disk.
#
# Everything runs in mount and pid namespaces of its own: whatever happens, no mount and no process
# is left behind.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=$top/build/bench
((EUID == 0)) || {
	echo "bench: mounting takes root" >&2
	exit 1
}

mkdir -p "$out"
for program in smallfiles onefile startloop; do
	gcc -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -o "$out/$program" "$top/tests/bench/$program.c"
done

memory=$(mktemp -d "${BENCH_DIR:-/dev/shm}/sessionfs-bench.XXXXXX")
disk=
child=
# shellcheck disable=SC2317 # the trap calls it
clean() {
	# With it goes all that runs in its namespaces.
	[[ -z $child ]] || kill -KILL "$child" 2>/dev/null || true
	wait
	rm -rf -- "$memory" ${disk:+"$disk"}
}
trap clean EXIT
trap 'exit 130' INT TERM HUP
disk=$(mktemp -d "${BENCH_DISK:-/var/tmp}/sessionfs-bench.XXXXXX")

# A shell as the first process: it reaps what a run leaves to it.
# shellcheck disable=SC2016
unshare --mount --propagation private --pid --fork --kill-child --mount-proc \
	bash -c '/usr/bin/python3 -B "$@"; exit $?' - "$top/tests/bench/bench.py" \
	--top "$top" --memory-dir "$memory" --disk-dir "$disk" "$@" &
child=$!
status=0
wait "$child" || status=$?
child=
exit "$status"
