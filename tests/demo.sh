#!/bin/bash
# make demo: programs that collide when run in parallel, and the same programs under sessionfs.
#
# Uses the real mount at /run/sessionfs and the real /tmp. Each claim is checked; exit status 0: all
# held. Leaves nothing behind, however it ends.
set -eEuo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=${SESSIONFS_BIN:-$here/../build/bin}
cli=$bin/sessionfs
demo=$here/demo
mnt=/run/sessionfs
result=/tmp/result.json
lock=/tmp/tool.lock
locks=$mnt/locks$lock.json

# Nobody's settings change what is shown.
unset SESSIONFS_SESSION SESSIONFS_RUN SESSIONFS_MOUNT SESSIONFS_RUN_JSON TOOL_SESSION_ID AGENT_SESSION_ID
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null PYTHONDONTWRITEBYTECODE=1
export GIT_{AUTHOR,COMMITTER}_NAME=demo GIT_{AUTHOR,COMMITTER}_EMAIL=demo@localhost
export LC_ALL=C.UTF-8

bold='' dim='' red='' green='' plain=''
if [[ -t 1 && -z ${NO_COLOR-} ]]; then
	bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
fi

# --- What stands in the way -----------------------------------------------------------------------

stop() {
	printf 'demo: %s\n' "$@" >&2
	exit 1
}

((EUID == 0)) || stop 'mounting needs root; run: sudo make demo'
[[ -x $cli ]] || stop "$cli is not built; run: make"
if grep -q " $mnt " /proc/self/mountinfo; then
	stop "something is mounted at $mnt already, and the demo would be in its way" \
		"to end it: sessionfs umount $mnt"
fi
for path in "$result" "$lock"; do
	[[ ! -e $path && ! -L $path ]] || stop "$path exists, and the demo would overwrite it; move it away"
done

# --- What must be gone at the end -----------------------------------------------------------------

state=$(mktemp -d /var/tmp/sessionfs-demo.XXXXXX)
work=
supervisor=

jobs_kill() {
	local job

	for job in $(jobs -p); do
		kill "$1" "$job" 2>/dev/null
	done
}

clean() {
	trap - ERR
	set +e
	jobs_kill -TERM
	if [[ $supervisor ]]; then
		timeout 15 "$cli" umount --force >"$state/umount.json" 2>&1 || {
			umount -l "$mnt"
			kill -9 "$supervisor"
		} 2>/dev/null
		supervisor=
	fi
	jobs_kill -KILL
	wait
	rm -f "$result" "$lock"
	rm -rf --one-file-system "$state" ${work:+"$work"}
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
trap 'echo "demo: line $LINENO failed: $BASH_COMMAND" >&2' ERR

# --- How it is told -------------------------------------------------------------------------------

claims=0
broken=0

# claim TEXT COMMAND...: the claim holds if the command succeeds.
claim() {
	local text=$1

	shift
	claims=$((claims + 1))
	if "$@" >/dev/null 2>&1; then
		printf '   %s✓%s %s\n' "$green" "$plain" "$text"
	else
		broken=$((broken + 1))
		printf '   %s✗ %s: this did not hold%s\n' "$red" "$text" "$plain"
	fi
}

chapter() {
	printf '\n%s%s%s\n' "$bold" "$1" "$plain"
}

part() {
	printf '   %s%s%s\n' "$dim" "$1" "$plain"
}

# told WHO TEXT
told() {
	printf '     %-6s %s\n' "$1" "$2"
}

# within SECONDS COMMAND...: waits until it succeeds.
within() {
	local deadline=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))

	shift
	until "$@" >/dev/null 2>&1; do
		((${EPOCHREALTIME/[.,]/} < deadline)) || return 1
		sleep 0.01
	done
}

# both COMMAND [ARG...]: runs it for east and for west at the same time, @ being the name. Their exit
# statuses are in $east and $west, what they said in $state/NAME.said.
both() {
	local one two

	"${@//@/east}" >"$state/east.said" 2>&1 &
	one=$!
	"${@//@/west}" >"$state/west.said" 2>&1 &
	two=$!
	east=0 west=0
	wait $one || east=$?
	wait $two || west=$?
}

# verdict NAME FILE: says what became of NAME's result, which FILE should hold.
verdict() {
	local text

	text=$("$demo/verdict" "$@") && complete=$((complete + 1))
	told "$1" "$text"
}

is() {
	[[ $1 == "$2" ]]
}

# envelope FILTER: what jq makes of the envelope, the last line of stderr.
envelope() {
	tail -n 1 "$state/second.said" | jq -r "$1" 2>/dev/null || echo "no envelope"
}

# held FILTER: what jq makes of the file that describes the lock.
held() {
	jq -r "$1" "$locks" 2>/dev/null || echo "no $locks"
}

# --- 1 --------------------------------------------------------------------------------------------

result_demo() {
	local name view

	chapter '1  Two programs write /tmp/result.json at the same time'
	part 'without sessionfs'
	both "$demo/report" @ "$result"
	complete=0
	for name in east west; do
		verdict $name "$result"
	done
	claim 'a result is lost, and nobody was told' is "$complete $east $west" "$((complete < 2 ? complete : 0)) 0 0"
	rm -f "$result"

	part 'with sessionfs run'
	both "$cli" run --session @ -- "$demo/report" @ "$result"
	complete=0
	for name in east west; do
		view=$mnt/sessions/0/$name$result
		verdict $name "$view"
		told '' "$dim$view$plain"
	done
	claim 'both results exist, each at /tmp/result.json of its session' is "$complete $east $west" '2 0 0'
	claim 'the /tmp of everybody else has neither' test ! -e "$result"
}

# --- 2 --------------------------------------------------------------------------------------------

# holder COMMAND...: starts what takes the lock and keeps it until a line goes to $work_fd.
holder() {
	"$@" <&"$work_fd" >"$state/first.said" 2>&1 &
	first=$!
	within 5 test -s "$lock"
}

# holder_kill PID: the way that leaves no program a chance to clean up.
holder_kill() {
	kill -9 "$1"
	wait "$first" 2>/dev/null || true
}

# second COMMAND...: runs it while the lock is held.
second() {
	status=0
	"$@" </dev/null >"$state/second.said" 2>&1 || status=$?
}

waiting() {
	[[ $(held .lock.waiters) == 1 ]]
}

lock_demo() {
	local pid again

	chapter '2  Two programs take /tmp/tool.lock'
	mkfifo "$state/work"
	exec {work_fd}<>"$state/work"

	part 'without sessionfs'
	holder "$demo/tool"
	second "$demo/tool"
	told second "\"$(<"$state/second.said")\", exit status $status"
	claim 'who holds it, and until when, is not said' is "$(<"$state/second.said")" 'Error: lock file exists'
	holder_kill "$first"
	second "$demo/tool"
	claim 'its holder was killed, and the lock bars everybody for ever' is "$status" 1
	rm -f "$lock"

	part 'with sessionfs run'
	holder "$cli" run --session east -- "$demo/tool"
	told first "has it: cat $locks"
	held '{message, retry_after_ms, lock: .lock | {idiom, state, held_ms, waiters}}' | sed 's/^/            /'
	pid=$(held .holder.pid)
	claim 'cat shows who holds it: the process that wrote its id into the lock' is "$pid" "$(<"$lock")"
	second "$cli" run --session west -- "$demo/tool"
	told second "$(envelope '"\(.error.code), retry_after_ms \(.error.retry_after_ms)"'), exit status $status"
	claim 'the second is told LOCK_HELD and when to retry' \
		is "$(envelope '"\(.error.code) \(.error.retry_after_ms | type) \(.error.holder.pid)"') $status" \
		"LOCK_HELD number $pid 4"

	"$cli" run --session west --retry 3 -- "$demo/tool" <<<'' >"$state/again.said" 2>&1 &
	again=$!
	within 5 waiting || true
	echo >&"$work_fd"
	east=0 west=0
	wait $first || east=$?
	wait $again || west=$?
	claim 'with --retry 3 it waits, gets the lock, and succeeds' is "$east $west" '0 0'

	holder "$cli" run --session east -- "$demo/tool"
	holder_kill "$(<"$lock")"
	second "$cli" run --session west -- "$demo/tool"
	claim 'its holder was killed, and the lock is free at once' is "$status" 0
	exec {work_fd}>&-
}

# --- 3 --------------------------------------------------------------------------------------------

repository_make() {
	rm -rf "$repository"
	git init -q -b main "$repository"
	git -C "$repository" config gc.auto 0
	git -C "$repository" commit -q --allow-empty -m 'first'
}

# committed NAME REPOSITORY: puts what NAME committed there, if it did, into $state/committed.
committed() {
	local commit

	: >"$state/committed"
	commit=$(git -C "$2" log --all --format=%H --grep="^report of $1$" 2>/dev/null) || return 0
	[[ -z $commit ]] || git -C "$2" show "$commit:report.json" >"$state/committed" 2>/dev/null || true
}

git_error() {
	grep -m 1 -E '^(fatal|error)' "$state/$1.said" | cut -c 1-88 || true
}

git_demo() {
	local name round error view

	chapter '3  Two jobs, python and git, make and commit a report in one directory'
	work=$(mktemp -d /tmp/sessionfs-demo.XXXXXX)
	repository=$work/repository

	part 'without sessionfs'
	# Who is first is chance: should the jobs ever miss each other, they try again.
	for round in 1 2 3 4 5; do
		repository_make
		both "$demo/job" @ "$repository"
		complete=0
		for name in east west; do
			committed $name "$repository"
			verdict $name "$state/committed"
			error=$(git_error $name)
			[[ -z $error ]] || told '' "$dim$error$plain"
		done
		((complete == 2 && round < 5)) || break
		told '' 'no collision this time; again'
	done
	claim 'at least one commit is missing or wrong' test "$complete" -lt 2

	repository_make
	part 'with sessionfs run'
	both "$cli" run --session @ -- "$demo/job" @ "$repository"
	complete=0
	for name in east west; do
		view=$mnt/sessions/0/$name$repository
		committed $name "$view"
		verdict $name "$state/committed"
		claim "$name's repository is sound: git fsck" git -C "$view" fsck --strict
	done
	claim 'both jobs succeeded, both commits are complete' is "$complete $east $west" '2 0 0'
	claim 'the directory itself is as it was' \
		is "$(git -C "$repository" log --format=%s) $(git -C "$repository" status --short)" 'first '
}

# --- All ------------------------------------------------------------------------------------------

left_behind() {
	local path

	for path in "$result" "$lock" "$gone_state" "$gone_work"; do
		[[ ! -e $path ]] || echo "$path"
	done
	grep " $mnt " /proc/self/mountinfo
	# A process that has ended stays a zombie until init has noticed.
	grep -q '^State:[[:space:]]Z' "/proc/$gone_supervisor/status" 2>/dev/null ||
		[[ ! -e /proc/$gone_supervisor ]] || echo "process $gone_supervisor"
	return 0
}

begun=${EPOCHREALTIME/[.,]/}
echo '{}' >"$state/config.json"
printf '%s\n' "${bold}$("$cli" --version)$plain at $mnt, sharing /tmp: the same programs without it and with it"
"$cli" mount --json --store "$state/store" --config "$state/config.json" >"$state/mount.json" ||
	stop "$(jq -r .error.message "$state/mount.json")"
supervisor=$(jq .data.supervisor_pid "$state/mount.json")

result_demo
lock_demo
git_demo

chapter 'At the end'
gone_state=$state gone_work=$work gone_supervisor=$supervisor
claim 'sessionfs is unmounted' timeout 15 "$cli" umount
[[ -e /proc/$supervisor ]] || supervisor=
clean
set -e
trap - EXIT
left=$(left_behind)
claim 'nothing is left behind' is "$left" ''
[[ -z $left ]] || told '' "$left"

took=$(((${EPOCHREALTIME/[.,]/} - begun) / 100000))
if ((broken)); then
	printf '\n%s%d of %d claims did not hold%s (%d.%d s)\n' "$red" "$broken" "$claims" "$plain" $((took / 10)) $((took % 10))
	exit 1
fi
printf '\n%sAll %d claims held%s (%d.%d s)\n' "$green" "$claims" "$plain" $((took / 10)) $((took % 10))
