# shellcheck shell=bash
# What the end-to-end cases share: an instance of their own, and checks that name the line.
#
#	. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
#	mount_start                     a daemon on $mnt, for the share $share, over the store $store
#	v=$(session_make s1)            a session; $v is its view of the share
#	...
#	mount_stop
#
# errexit is on: a command that fails ends the case, and its line is named. The instance goes with
# the case however that ends. No command hangs for ever: after $CASE_SECONDS the connection is
# aborted, and whoever waits for the daemon gets an error.
set -eEuo pipefail
shopt -s inherit_errexit

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${SESSIONFS_BIN:=$here/../../build/bin}"
: "${CASE_SECONDS:=90}"
cli=$SESSIONFS_BIN/sessionfs
python=/usr/bin/python3

dir=$(mktemp -d "${TMPDIR:-/tmp}/sessionfs-case.XXXXXX")
mnt=$dir/mnt
store=$dir/store
share=$dir/share
supervisor=
watchdog=
trap 'on_error "${BASH_SOURCE[0]}" "$LINENO" "$BASH_COMMAND"' ERR
trap on_exit EXIT
trap 'exit 130' INT TERM

# The caller's own session, and whether a CI runs us, are none of the case's business.
unset SESSIONFS_SESSION SESSIONFS_RUN SESSIONFS_MOUNT SESSIONFS_RUN_JSON
unset TOOL_SESSION_ID AGENT_SESSION_ID CI NO_COLOR
export SESSIONFS_MOUNT=$mnt LC_ALL=C.UTF-8
umask 022
chmod 755 "$dir"
mkdir "$share" "$dir/run"
echo '{}' >"$dir/config.json"

on_error() {
	# Once: a failing subshell is reported again by each level above it.
	[[ -e $dir/failed ]] || echo "FAIL ${1##*/}:$2: $3" >&2
	: >"$dir/failed"
}

# fail TEXT: ends the case with the line of the caller's caller, or of the caller.
fail() {
	local depth=1

	# The line in the case, not in a helper here.
	while [[ ${BASH_SOURCE[depth]-} == */lib.sh ]]; do
		depth=$((depth + 1))
	done
	echo "FAIL ${BASH_SOURCE[depth]##*/}:${BASH_LINENO[depth - 1]}: $1" >&2
	: >"$dir/failed"
	exit 1
}

skip() {
	echo "skipped: $1"
	exit 77
}

# is ACTUAL EXPECTED [WHAT]
is() {
	[[ $1 == "$2" ]] || fail "${3:+$3: }\"$1\" is not \"$2\""
}

# refuse PATTERN COMMAND...: it fails, and what it says holds the pattern.
refuse() {
	local pattern=$1 said

	shift
	if said=$("$@" 2>&1); then
		fail "succeeded: $*"
	fi
	[[ $said == *"$pattern"* ]] || fail "\"$said\" does not say \"$pattern\": $*"
}

# absent PATH...: nothing has that name, not even a dangling link.
absent() {
	local path

	for path; do
		[[ ! -e $path && ! -L $path ]] || fail "is there: $path"
	done
}

# within SECONDS COMMAND...: it succeeds before that time is over.
within() {
	local deadline=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))

	shift
	until "$@" >/dev/null 2>&1; do
		((${EPOCHREALTIME/[.,]/} < deadline)) || fail "not in time: $*"
		sleep 0.02
	done
}

# same FILE_OR_TEXT_1 FILE_2 [WHAT]: two files are equal, else the difference is shown.
same() {
	diff -u "$1" "$2" >&2 || fail "${3:-$1 and $2} differ"
}

# Everything that can be seen of a tree, ctime included: an object that was changed and changed back
# shows. Reading it changes nothing here.
snapshot() {
	(
		cd "$1"
		find . -printf '%p %y %m %U:%G %n %s %T@ %C@ %l\n' | sort
		find . -type f -print0 | sort -z | xargs -0r sha256sum
		getfattr -Rhd -m - . 2>/dev/null || true
	)
}

# What a user calls the content of a tree; the same through a view and through another mount of it.
content() {
	(
		cd "$1"
		find . -mindepth 1 -type d -printf '%p d %m %U:%G\n' | sort
		find . ! -type d -printf '%p %y %m %U:%G %s %T@ %l\n' | sort
		find . -type f -print0 | sort -z | xargs -0r sha256sum
	)
}

# json_envelope [FILE]: standard input, or the file, is one valid envelope.
json_envelope() {
	"$python" "$here/lib_envelope.py" "$here/../../../shared/schemas" <"${1:-/dev/stdin}" ||
		fail "no valid envelope"
}

# status KEY: a member of status.json.
status() {
	jq -r ".$1" "$mnt/status.json"
}

# as UID COMMAND...: as a user without any privilege, whose group is UID too; $groups: more groups.
as() {
	local uid=$1 option=--clear-groups

	shift
	[[ ${groups-} ]] && option=--groups=$groups
	setpriv --reuid="$uid" --regid="$uid" "$option" --inh-caps=-all "$@"
}

# session_make ID [UID]: makes a session and prints the path of its view of the share.
session_make() {
	local uid=${2:-0}

	if ((uid)); then
		as "$uid" "$cli" create "$1" >/dev/null
	else
		"$cli" create "$1" >/dev/null
	fi
	echo "$mnt/sessions/$uid/$1$share"
}

# The upper directory of a session in the store, by its one name there.
upper_of() {
	local uid=${2:-0}

	echo "$store/sessions/$uid/$1/"*/upper
}

connection_abort() {
	local device

	# By the mount table: a stat of the mount might hang.
	device=$(awk -v mnt="$mnt" '$5 == mnt { split($3, id, ":"); print id[2] }' /proc/self/mountinfo)
	for device in $device; do
		echo 1 2>/dev/null >"/sys/fs/fuse/connections/$device/abort" || true
	done
}

watchdog_start() {
	(
		trap - ERR EXIT
		sleep "$CASE_SECONDS" &
		trap 'kill $!; exit' TERM
		wait $!
		echo "FAIL: not finished after $CASE_SECONDS s" >&2
		: >"$dir/failed"
		connection_abort
	) &
	watchdog=$!
}

# mount_with OPTION...: the instance of the case. $share_options: what follows the share's path.
mount_with() {
	[[ $watchdog ]] || watchdog_start
	timeout 30 "$cli" mount "$mnt" --store "$store" --config "$dir/config.json" \
		--share "$share${share_options:+,$share_options}" "$@" >"$dir/mount.json" ||
		fail "mount: $(cat "$dir/mount.json")"
	supervisor=$(jq .data.supervisor_pid "$dir/mount.json")
}

# As mount_with, the way that both_ways says.
way=()
mount_start() {
	mount_with "${way[@]}"
}

mount_stop() {
	timeout 30 "$cli" umount "$mnt" >"$dir/umount.json" || fail "umount: $(cat "$dir/umount.json")"
	supervisor=
}

# both_ways FUNCTION: runs it with passthrough and without, each on a share and a store of its own.
both_ways() {
	local option

	for option in "" --no-passthrough; do
		way=(${option:+"$option"})
		rm -rf "$share" "$store"
		mkdir "$share"
		"$1"
		echo "$1${option:+ $option}: passed"
	done
	way=()
}

# worker_pid: the supervisor's children, of which there is one; asks nothing of the mount.
worker_pid() {
	local pids

	# The kernel ends this line without a newline.
	read -ra pids <"/proc/$supervisor/task/$supervisor/children" || true
	echo "${pids[*]}"
}

# The daemon is killed, and nothing is told to anybody.
daemon_kill() {
	# shellcheck disable=SC2046 # several where a worker was being started
	kill -9 "$supervisor" $(worker_pid) 2>/dev/null || true
}

instance_kill() {
	daemon_kill
	connection_abort
	umount -l "$mnt" 2>/dev/null || true
}

on_exit() {
	local status=$? log

	trap - ERR EXIT
	# Whoever reads our words may have gone: the rest is to be done all the same.
	trap '' PIPE
	set +e
	[[ -e $dir/failed && $status == 0 ]] && status=1
	cd /
	# What a case has that is to be undone before its instance goes.
	declare -F case_cleanup >/dev/null && case_cleanup
	if ((status && status != 77)); then
		for log in "$store/log" "$dir"/log*; do
			[[ -s $log ]] && echo "--- $log" && tail -n 40 "$log"
		done >&2
	fi
	if [[ $supervisor ]]; then
		timeout 20 "$cli" umount "$mnt" --force >/dev/null 2>&1 || instance_kill
	fi
	[[ $watchdog ]] && kill "$watchdog" 2>/dev/null
	wait 2>/dev/null
	rm -rf --one-file-system "$dir"
	exit "$status"
}
