#!/bin/bash
# Mode direct: one work tree for all, whose locks are arbitrated at any depth. Programs of several sessions
# run git in it at once; who is denied is told by whom, and tries again.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

processes=8

in_run() {
	"$cli" run --session "$1" --json=on-error -- "${@:2}"
}

# try SESSION COMMAND...: again as often as it is denied a lock, or meets a file that was replaced twice while
# it was being opened (docs/differences.md), and for nothing else.
try() {
	local answer

	for _ in {1..200}; do
		answer=$("$cli" run --session "$1" --retry 5 --json=on-error -- "${@:2}" 2>"$dir/err.$1") && return 0
		[[ $(jq -r .error.code <<<"$answer" 2>/dev/null) == LOCK_HELD ]] ||
			grep -q "Stale file handle" "$dir/err.$1" || break
	done
	echo "$1: ${*:2}: $answer $(cat "$dir/err.$1")" >&2
	return 1
}

one_denied() {
	local said

	mkdir -p "$share/a/b/lock.d"
	"$cli" run --session s1 -- sh -c "set -C; : >'$share/a/b/x.lock'; mkdir '$share/a/b/lock.d/lock'; echo ok >'$share/up'; exec sleep 30" &
	holder=$!
	within 10 test -e "$share/up"
	within 10 test -e "$mnt/locks$share/a/b/x.lock.json"
	test -e "$mnt/locks$share/a/b/lock.d/lock.json" || fail "a lock in a directory that is none"
	said=$(in_run s2 sh -c "mkdir '$share/a/b/x.lock'" 2>/dev/null) && fail "made"
	is "$(jq -r '.error.code, .error.lock.path, .error.holder.session' <<<"$said" | xargs)" \
		"LOCK_HELD $share/a/b/x.lock s1"
	# What lies below a lock that is a directory is none of its own.
	in_run s2 mkdir "$share/a/b/dir.lock" "$share/a/b/dir.lock/y.lock"
	absent "$mnt/locks$share/a/b/dir.lock/y.lock.json"
	kill "$holder" 2>/dev/null
	wait "$holder" || true
	"$cli" rm s1 s2 >/dev/null 2>&1 || true
}

git_together() {
	local n pids=() pid

	git init -q "$share/work"
	for n in $(seq $processes); do
		echo "$n" >"$share/work/file$n"
	done
	git -C "$share/work" -c user.name=n -c user.email=e commit -q --allow-empty -m first
	for n in $(seq $processes); do
		(
			trap - EXIT ERR
			try "g$n" git -C "$share/work" config "section$n.key" "value$n" &&
				try "g$n" git -C "$share/work" tag "t$n" &&
				try "g$n" git -C "$share/work" add "file$n"
		) &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || fail "one of those that were to try until they had it"
	done
	is "$(git -C "$share/work" tag | wc -l)" $processes "tags"
	is "$(git -C "$share/work" ls-files | wc -l)" $processes "files added"
	for n in $(seq $processes); do
		is "$(git -C "$share/work" config "section$n.key")" "value$n"
	done
	git -C "$share/work" fsck --strict >"$dir/fsck" 2>&1 || fail "$(cat "$dir/fsck")"
	jq -r 'select(.type == "lock_denied") | .path' "$mnt/events" | grep -q '/\.git/.*\.lock$' ||
		fail "nobody was denied: the test shows nothing"
	is "$(find "$share/work" -name '*.lock')" ""
}

share_options=mode=direct
mount_start
one_denied
git_together
mount_stop
