#!/bin/bash
# Instances that begin and end: killed or overtaken half-way, they leave nothing that hangs.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

mount_command=("$cli" mount "$mnt" --store "$store" --config "$dir/config.json" --share "$share")

gone() {
	[[ ! -e /proc/$1 || $(cut -d ' ' -f 3 "/proc/$1/stat" 2>/dev/null) == Z ]]
}

mounted() {
	grep -q " $mnt " /proc/self/mountinfo
}

free() {
	flock -n "$store/instance" true
}

# Supervisor and worker killed before the first answer: whoever waits for that gets an error.
killed_at_the_start() {
	local round pids=()

	# So that the worker needs a while.
	mount_start
	mount_stop
	(cd "$store/sessions" && mkdir -p 0 && cd 0 && seq -f slow%.0f 4000 | xargs mkdir)
	for ((round = 0; round < 2; round++)); do
		"${mount_command[@]}" --foreground >"$dir/out" 2>&1 &
		supervisor=$!
		# Its worker, and the child that asks the mount whether that answers.
		while ((${#pids[@]} < 2)) && [[ ! -s $dir/out ]]; do
			read -ra pids 2>/dev/null <"/proc/$supervisor/task/$supervisor/children" || true
		done
		((${#pids[@]} == 2)) || fail "not seen while it started: $(cat "$dir/out")"
		kill -STOP "${pids[0]}"
		kill -9 "$supervisor" "${pids[0]}"
		wait "$supervisor" 2>/dev/null || true
		supervisor=
		within 5 free
		within 5 gone "${pids[1]}"
		timeout 20 "$cli" umount "$mnt" >/dev/null
		! mounted || fail 'the dead mount stands'
		rmdir "$mnt"
		pids=()
	done
	rm -r "$store/sessions/0"
}

# Children of the first are gone with the mount.
two_daemons() {
	[[ $(pgrep -f "^[^ ]*sessionfsd .*$dir" | grep -vxc "$worker") == 2 ]]
}

# Unmounted by hand: who mounts anew waits for the daemon's end, be it late.
anew_after_the_end() {
	local before worker

	mount_start
	worker=$(worker_pid)
	before=$supervisor
	kill -STOP "$supervisor"
	umount "$mnt"
	mount_start &
	mounting=$!
	# It is there, and finds the store in use.
	within 5 two_daemons
	kill -CONT "$before"
	wait "$mounting" || fail 'it is refused'
	mounted || fail 'it is not mounted'
	mount_start
	is "$(jq .data.noop "$dir/mount.json")" true
	mount_stop
}

# Of equal ones that are begun at the same time one mounts, and the others find it.
many_at_once() {
	local n pids=() pid refused=

	for ((n = 0; n < 6; n++)); do
		timeout 30 "${mount_command[@]}" >"$dir/many$n" 2>&1 &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || refused=1
	done
	supervisor=$(cat "$dir"/many* | jq '.data.supervisor_pid // empty' | head -n 1)
	[[ ! $refused ]] || fail "refused: $(cat "$dir"/many*)"
	is "$(cat "$dir"/many* | jq -r .data.noop | sort | uniq -c | xargs)" '1 false 5 true'
	is "$(cat "$dir"/many* | jq -r .data.supervisor_pid | sort -u | wc -l)" 1
	is "$(grep -c " $mnt " /proc/self/mountinfo)" 1
	mount_stop
}

watchdog_start
killed_at_the_start
anew_after_the_end
many_at_once
absent "$mnt"
