#!/bin/bash
# Compares sessionfs with the native directory and with its rivals; docs/benchmarks.md says how.
#
# Usage: tests/bench/bench.sh [--rounds N] [--quick] [--suite NAME]... [--contender NAME]...
#                             [--workload NAME]... [--against NAME=DIR]...
# Environment: ROUNDS, QUICK=1; BENCH_DIR (below it: scratch in memory), BENCH_DISK (scratch on a disk)
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
for program in smallfiles startloop; do
	gcc -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -o "$out/$program" "$top/tests/bench/$program.c"
done

memory=$(mktemp -d "${BENCH_DIR:-/dev/shm}/sessionfs-bench.XXXXXX")
trap 'rm -rf -- "$memory"' EXIT
disk=$(mktemp -d "${BENCH_DISK:-/var/tmp}/sessionfs-bench.XXXXXX")
trap 'rm -rf -- "$memory" "$disk"' EXIT

# A shell as the first process: it reaps what a run leaves to it.
# shellcheck disable=SC2016
unshare --mount --propagation private --pid --fork --kill-child --mount-proc \
	bash -c '/usr/bin/python3 -B "$@"; exit $?' - "$top/tests/bench/bench.py" \
	--top "$top" --memory-dir "$memory" --disk-dir "$disk" "$@"
