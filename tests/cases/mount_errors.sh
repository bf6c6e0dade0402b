#!/bin/bash
# A mount that cannot be: one clear error, the right exit status, and nothing is left behind.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

daemons() {
	pgrep -f "^[^ ]*sessionfsd .*$dir" || true
}

# bad EXIT CODE PATTERN COMMAND...: its envelope says so, and it left nothing.
bad() {
	local exit=$1 code=$2 pattern=$3 status=0 answer=$dir/answer

	shift 3
	timeout 30 "$@" >"$answer" 2>"$dir/stderr" || status=$?
	is "$status" "$exit" "exit status of $*: $(cat "$answer" "$dir/stderr")"
	json_envelope "$answer"
	is "$(jq -r .error.code "$answer")" "$code" "$*"
	is "$(jq -r .error.exit_code "$answer")" "$exit" "$*"
	[[ $(jq -r '.error.message + " " + (.error.suggestion // "")' "$answer") == *"$pattern"* ]] ||
		fail "$(cat "$answer") does not say \"$pattern\""
	absent "$mnt" "$store"
	is "$(daemons)" "" "processes left"
}

mount=("$cli" mount "$mnt" --store "$store" --config "$dir/config.json" --json)

# bad_option PATTERN OPTION...
bad_option() {
	local pattern=$1

	shift
	bad 2 VALIDATION_ERROR "$pattern" "${mount[@]}" "$@"
}

# bad_config EXIT CODE PATTERN: of the configuration on standard input.
bad_config() {
	cat >"$dir/bad.json"
	bad "$1" "$2" "$3" "$cli" mount "$mnt" --store "$store" --config "$dir/bad.json" --json
}

# Options.
bad_option '--stor' --stor=x
bad_option 'Did you mean --share?' --shar "$share"
bad_option 'does not take' second-mount-point
bad_option 'mode=overlaid' --share "$share,mode=overlaid"
bad_option 'lock=[a' --share "$share,lock=[a"
bad_option 'merge=/x' --share "$share,merge=/x"
bad_option 'Did you mean "lock="?' --share "$share,lokc=*.x"
bad_option 'given twice' --share "$share" --share "$share/"

# The file: syntax, keys, types, values, each with its place.
bad_config 2 VALIDATION_ERROR "$dir/bad.json, line 2" <<<$'{\n"shares": [}\n'
bad_config 2 VALIDATION_ERROR 'line 2, column 3: unknown key "sharse"' <<<$'{\n  "sharse": []\n}'
bad_config 2 VALIDATION_ERROR 'Did you mean "shares"?' <<<'{"sharse": []}'
bad_config 2 VALIDATION_ERROR 'line 3, column 14: sessions.max_files: must be a whole number' <<'END'
{
 "sessions": {
"max_files": "many"}
}
END
bad_config 2 VALIDATION_ERROR 'column 28: sessions.max_bytes: "10X"' <<<'{"sessions": {"max_bytes": "10X"}}'
bad_config 2 VALIDATION_ERROR 'sessions.idle_ttl: "later"' <<<'{"sessions": {"idle_ttl": "later"}}'
bad_config 2 VALIDATION_ERROR 'line 1, column 37: shares[0].lock[0]: bad glob "[a"' \
	<<<'{"shares": [{"path": "/x", "lock": ["[a"]}]}'
bad_config 2 VALIDATION_ERROR 'line 2, column 1: shares[1]: share /x is given twice' \
	<<<$'{"shares": [{"path": "/x"},\n{"path": "/x"}]}'
bad_config 5 NOT_FOUND 'line 1, column 13' <<<"{\"shares\": [{\"path\": \"$dir/none\"}]}"
bad 5 NOT_FOUND "$dir/none.json" "$cli" mount "$mnt" --config "$dir/none.json" --json

# Paths.
bad 5 NOT_FOUND "$dir/none" "${mount[@]}" --share "$dir/none"
touch "$dir/file"
bad 4 PRECONDITION_FAILED 'not a directory' "${mount[@]}" --share "$dir/file"
mkdir "$share/inner"
bad 4 PRECONDITION_FAILED 'nested shares' "${mount[@]}" --share "$share" --share "$share/inner"
bad 4 PRECONDITION_FAILED 'inside the share' \
	"$cli" mount "$mnt" --store "$share/store" --share "$share" --json
bad 4 PRECONDITION_FAILED 'below the mount point' \
	"$cli" mount "$dir" --store /run/nothing-here --share "$share" --json
bad 4 PRECONDITION_FAILED 'is not a directory' \
	"$cli" mount "$dir/file" --store "$store" --share "$share" --json
mkdir -p "$dir/full/of/things"
bad 4 PRECONDITION_FAILED 'not empty' \
	"$cli" mount "$dir/full" --store "$store" --share "$share" --json
[[ -d $dir/full/of/things ]] || fail "what stood there is gone"
bad 4 PRECONDITION_FAILED 'type proc' \
	"$cli" mount /proc --store "$store" --share "$share" --json

export cli dir mnt store share
# A name of the mount's own as the first of a share's path, in a root that has such a directory.
mkdir "$dir/root"
# shellcheck disable=SC2016
bad 4 PRECONDITION_FAILED '"locks" is a name that the mount uses itself' unshare -m bash -c '
	mount -t tmpfs none "$dir/root"
	for entry in /*; do
		if [[ -L $entry ]]; then
			cp -P "$entry" "$dir/root"
		elif [[ -d $entry ]]; then
			mkdir "$dir/root$entry"
			mount --rbind "$entry" "$dir/root$entry"
		fi
	done
	mkdir "$dir/root/locks"
	chroot "$dir/root" "$cli" mount "$mnt" --store "$store" --share /locks --json'

# The store: on a full disk, not a store, in a place that is not there.
mkdir "$dir/disk"
mount -t tmpfs -o size=64k none "$dir/disk"
head -c 1M /dev/zero >"$dir/disk/fill" 2>/dev/null || true
bad 1 IO_ERROR 'No space left' \
	"$cli" mount "$mnt" --store "$dir/disk/store" --share "$share" --json
absent "$dir/disk/store"
umount "$dir/disk"
bad 4 PRECONDITION_FAILED 'no sessionfs store' \
	"$cli" mount "$mnt" --store "$dir/full" --share "$share" --json
bad 1 IO_ERROR "$dir/none/store" \
	"$cli" mount "$mnt" --store "$dir/none/store" --share "$share" --json

# No device, no privilege.
# shellcheck disable=SC2016
bad 4 PRECONDITION_FAILED '/dev/fuse is missing' unshare -m bash -c '
	mount -t tmpfs none /dev
	exec "$@" --share "$share"' - "${mount[@]}"
bad 7 PERMISSION_DENIED 'mount needs CAP_SYS_ADMIN' \
	setpriv --reuid=65534 --regid=65534 --clear-groups "$cli" mount "$mnt" --store "$store" \
	--share "$share" --json
bad 7 PERMISSION_DENIED 'mount needs CAP_SYS_ADMIN' \
	setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$cli" mount "$mnt" \
	--store "$store" --share "$share" --json

# In the foreground: the same envelope, the same status.
bad 5 NOT_FOUND "$dir/none" "${mount[@]}" --foreground --share "$dir/none"

# For a person: one line, and what to do.
status=0
"$cli" mount "$mnt" --store "$store" --share "$dir/none" -o table 2>"$dir/said" >"$dir/out" || status=$?
is "$status" 5
is "$(cat "$dir/out")" ""
is "$(wc -l <"$dir/said")" 1
[[ $(cat "$dir/said") == *"$dir/none"* ]] || fail "$(cat "$dir/said")"
absent "$mnt" "$store"

# umount of what is no sessionfs.
mkdir "$dir/plain"
bad 12 UNAVAILABLE 'no sessionfs is mounted' "$cli" umount "$dir/plain"
bad 12 UNAVAILABLE 'no sessionfs is mounted' "$cli" umount "$dir/none"
bad 12 UNAVAILABLE 'is no sessionfs but proc' "$cli" umount /proc
bad 12 UNAVAILABLE 'findmnt -t fuse.sessionfs' "$cli" umount
