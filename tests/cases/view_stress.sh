#!/bin/bash
# Many processes at once in two sessions: see lib_stress.py. At the end everything can be removed, the views are
# empty, and the worker is left with no node, no handle, no descriptor and no temporary of it.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

seconds=4
seed=1
if [[ ${SESSIONFS_LONG-} ]]; then
	CASE_SECONDS=115
	seconds=35
	seed=$RANDOM
fi

# The kernel forgets what it can all the time. Of everybody: in the long run only.
dropper=
case_cleanup() {
	[[ $dropper ]] && kill "$dropper" 2>/dev/null
}
if [[ ${SESSIONFS_LONG-} ]]; then
	while sleep 0.05; do
		echo 2 >/proc/sys/vm/drop_caches
	done &
	dropper=$!
fi

worker_fds() {
	local fds=("/proc/$(worker_pid)/fd"/*)

	echo "${#fds[@]}"
}

settle() {
	for _ in {1..20}; do
		! settled || return 0
		sleep 0.5
	done
	fail "nodes $(status nodes) of $nodes, handles $(status open_handles) of $handles, descriptors $(worker_fds) of $before:
$(find "/proc/$(worker_pid)/fd" -type l -printf '%l\n' | sort | uniq -c | sort -n | tail -n 20)"
}

# What is known before anybody has done anything, and must be all that is known at the end.
settled() {
	echo 2 >/proc/sys/vm/drop_caches
	(($(status nodes) <= nodes + 4 && $(status open_handles) <= handles && $(worker_fds) <= before + 8))
}

stress() {
	local one two nodes handles before worker names

	mkdir -p "$share"/{a,b}/{a,b,c}
	for names in "$share"/{c,d,a/{d,e},b/f}; do
		head -c 30000 /dev/zero >"$names"
	done
	head -c 3000000 /dev/urandom >"$share/e"
	snapshot "$share" >"$dir/lower"
	mount_start
	one=$(session_make one)
	two=$(session_make two)
	find "$one" "$two" >/dev/null
	nodes=$(status nodes) handles=$(status open_handles) before=$(worker_fds) worker=$(worker_pid)
	"$python" "$here/lib_stress.py" "$seconds" "$seed" "$one" "$two" >"$dir/said" 2>&1 ||
		fail "to repeat it: the seed is $seed: $(cat "$dir/said")"
	cat "$dir/said"
	is "$(worker_pid)" "$worker" "the worker lives"
	snapshot "$share" | same "$dir/lower" /dev/stdin "the lower"
	find "$one" "$two" -type f -exec cat {} + >/dev/null
	rm -rf "${one:?}"/* "${two:?}"/*
	is "$(find "$one" "$two" -mindepth 1)" "" "left"
	settle
	is "$(find "$store"/sessions/0/*/*/work -mindepth 1 | wc -l)" 0 "temporaries"
	"$cli" rm one two >/dev/null
	mount_stop
}

both_ways stress
