#!/bin/bash
# Locks by flock and fcntl between sessions, with outsiders, over the death of the worker, and with many who wait.
# Programs in single quotes are for other shells.
# shellcheck disable=SC2016
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# alone COMMAND...: in a process of its own, in which none of the others' inputs is open.
alone() {
	for input in "${inputs[@]}"; do
		exec {input}>&-
	done
	exec "$@"
}

# hold NAME ARGUMENT...: hold_lock in the background, until let_go NAME; it holds, or waits (-w), when this returns.
declare -A holders=() inputs=()
waiting=()
hold() {
	local name=$1 input

	shift
	rm -f "$dir/said.$name"
	mkfifo "$dir/in.$name"
	alone "${in_run[@]}" "$SESSIONFS_PROGS/hold_lock" "$@" <"$dir/in.$name" >"$dir/said.$name" 2>&1 &
	holders[$name]=$!
	exec {input}>"$dir/in.$name"
	inputs[$name]=$input
	rm "$dir/in.$name"
	[[ " $* " == *" -w "* ]] || within 5 has "$name"
}

# Who holds a lock waits for us, or for another who does.
case_cleanup() {
	kill -9 "${holders[@]}" "${waiting[@]}" 2>/dev/null
}

has() {
	[[ $(cat "$dir/said.$1") == locked ]]
}

has_not() {
	[[ ! -s $dir/said.$1 ]] || fail "$1 does not wait: $(cat "$dir/said.$1")"
}

let_go() {
	local input

	for name; do
		input=${inputs[$name]}
		exec {input}>&-
		wait "${holders[$name]}" || true
		unset "inputs[$name]" "holders[$name]"
	done
}

# taken KIND PATH [START LENGTH], free ...: whether such a lock is refused now. said_of: for `within`.
in_run=()
answer() {
	"${in_run[@]}" "$SESSIONFS_PROGS/hold_lock" "$@" </dev/null || true
}
said_of() {
	local expected=$1

	shift
	[[ $(answer "$@") == "$expected" ]]
}
taken() {
	is "$(answer "$@")" EAGAIN "$*"
}
free() {
	is "$(answer "$@")" locked "$*"
}

waiters() {
	(($(status waiters) == $1))
}

other_worker() {
	local now

	now=$(worker_pid)
	[[ $now && $now != "$1" ]]
}

kill_worker() {
	local pid

	pid=$(worker_pid)
	kill -9 "$pid"
	within 5 other_worker "$pid"
}

# A lock file is one file for two sessions and the world outside; a private file is not.
between_sessions() {
	echo x | tee "$share/t.lock" >"$share/private"
	mount_start
	v1=$(session_make s1)
	v2=$(session_make s2)
	for kind in posix ofd flock; do
		hold inside "$kind" "$v1/t.lock" 10 10
		taken "$kind" "$v2/t.lock" 19 1
		taken "$kind" "$share/t.lock" 19 1
		[[ $kind == flock ]] || free "$kind" "$v2/t.lock" 20 1
		[[ $kind == flock ]] || free "$kind" "$share/t.lock" 0 10
		let_go inside
		free "$kind" "$v2/t.lock" 10 10
		within 1 said_of locked "$kind" "$share/t.lock" 10 10
		hold outside "$kind" "$share/t.lock" 10 10
		taken "$kind" "$v1/t.lock" 0 0
		hold waiting -w "$kind" "$v1/t.lock" 0 0
		within 5 waiters 1
		has_not waiting
		let_go outside
		within 5 has waiting
		let_go waiting
		# What is private is each session's own, and the share's.
		hold inside "$kind" "$v1/private" 10 10
		taken "$kind" "$v1/private" 10 10
		free "$kind" "$v2/private" 10 10
		free "$kind" "$share/private" 10 10
		let_go inside
	done
	# Who it is that has it.
	hold outside posix "$share/t.lock" 10 10
	is "$("$SESSIONFS_PROGS/hold_lock" -q posix "$v1/t.lock" 5 6)" "1 10 10 ${holders[outside]}"
	let_go outside
	hold inside posix "$v2/t.lock" 10 10
	is "$("$SESSIONFS_PROGS/hold_lock" -q posix "$v1/t.lock" 5 6)" "1 10 10 ${holders[inside]}"
	let_go inside
	is "$("$SESSIONFS_PROGS/hold_lock" -q posix "$v1/t.lock" 5 6)" free
	# A reader's and a writer's, by one who can only read.
	hold first -r posix "$v1/t.lock"
	hold second -r posix "$v2/t.lock"
	hold third -r posix "$share/t.lock"
	taken posix "$v1/t.lock"
	taken posix "$share/t.lock"
	let_go first second third
	free posix "$share/t.lock"
	mount_stop
}

# With fcntl a lock file is acquired, as with flock: who has it is shown, and who was denied.
acquisition() {
	mount_start
	seen=$mnt/locks$share/t.lock.json
	: >"$share/t.lock"
	in_run=("$cli" run --session a --)
	hold first posix "$share/t.lock" 0 10
	is "$(jq -r '.holder.session, .lock.idiom, .lock.external' "$seen" | xargs)" 'a fcntl false'
	in_run=("$cli" run --session b --)
	status=0
	"${in_run[@]}" "$SESSIONFS_PROGS/hold_lock" ofd "$share/t.lock" </dev/null >"$dir/out" 2>"$dir/err" || status=$?
	is "$status" 4
	is "$(tail -n 1 "$dir/err" | jq -r '.error.code, .error.lock.idiom, .error.holder.session' | xargs)" 'LOCK_HELD fcntl a'
	# Of another range he is a holder beside the first, and the one when that has gone.
	hold second ofd "$share/t.lock" 10 10
	is "$(jq -r .holder.session "$seen")" a
	hold third -w posix "$share/t.lock" 0 10
	within 5 jq -e '.lock.waiters == 1' "$seen"
	let_go first
	within 5 has third
	within 5 jq -e '.lock.waiters == 0' "$seen"
	is "$(jq -r .holder.session "$seen")" b
	let_go second third
	within 2 test ! -e "$seen"
	# The file stays, and holding it is not what frees it when a run is killed.
	hold first posix "$share/t.lock"
	kill -9 "${holders[first]}"
	let_go first
	within 5 test ! -e "$seen"
	[[ -e $share/t.lock ]]
	in_run=()
	mount_stop
}

# The worker dies: locks stay, in the lower too, and who waits goes on waiting, in order.
worker_dies() {
	echo x | tee "$share/t.lock" >"$share/private"
	mount_start
	v=$(session_make s1)
	for file in t.lock private; do
		hold first posix "$v/$file" 0 10
		hold second ofd "$v/$file" 10 10
		hold third -r flock "$v/$file"
		kill_worker
		taken posix "$v/$file" 9 1
		taken posix "$v/$file" 10 1
		taken flock "$v/$file"
		if [[ $file == t.lock ]]; then
			within 1 said_of EAGAIN posix "$share/$file" 9 1
			taken ofd "$share/$file" 10 1
			taken flock "$share/$file"
			is "$(jq -r .lock.state "$mnt/locks$share/t.lock.json")" held
		fi
		for n in 1 2 3; do
			hold "w$n" -w posix "$v/$file" 0 10
			within 5 waiters "$n"
		done
		kill_worker
		within 5 waiters 3
		let_go first
		for n in 1 2 3; do
			within 5 has "w$n"
			[[ $n == 3 ]] || has_not "w$((n + 1))"
			kill_worker
			# Until the kernel has told the new worker of all of them, it cannot know whose turn it is.
			within 5 waiters $((3 - n))
			let_go "w$n"
		done
		let_go second third
		free posix "$v/$file"
		free flock "$v/$file"
	done
	within 2 said_of locked posix "$share/t.lock"
	is "$(jq '.locks | length' "$mnt/locks.json")" 0
	mount_stop
}

# 64 wait for one lock: everybody else, also in that directory and on that file, is served at once.
many_waiters() {
	mkdir "$share/d"
	echo x >"$share/d/file"
	mount_start
	v=$(session_make s1)
	hold first flock "$v/d/file"
	hold other posix "$v/d/file"
	for ((n = 0; n < 64; n++)); do
		alone flock "$v/d/file" sh -c 'echo "$1" >>"$0/order"' "$dir" "$n" &
		waiting[n]=$!
		((n % 16)) || within 5 waiters "$((n + 1))"
	done
	within 5 waiters 64
	timeout 5 sh -ec 'cd "$0/d"; echo new >made; mv made renamed; mkdir sub; cat file; ls; ln renamed sub/linked
		echo more >>file; stat file >&2; rm -r sub renamed; ! flock -n file true; truncate -s 1 file' "$v" >"$dir/said" 2>&1 ||
		fail "not served: $(cat "$dir/said")"
	# Some of them are killed.
	for n in 3 17 40; do
		kill -9 "${waiting[n]}"
	done
	within 5 waiters 61
	let_go first
	for ((n = 0; n < 64; n++)); do
		wait "${waiting[n]}" || true
	done
	waiting=()
	within 5 waiters 0
	is "$(wc -l <"$dir/order")" 61
	let_go other
	mount_stop
	rm "$dir/order"
}

both_ways between_sessions
both_ways worker_dies
acquisition
rm -rf "$share" "$store"
mkdir "$share"
both_ways many_waiters
