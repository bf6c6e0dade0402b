#!/bin/bash
# Which names are locks, and locks of odd names: what an answer says of them is true and valid.
# Programs in single quotes are for other shells.
# shellcheck disable=SC2016
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

mount_start
mkfifo "$dir/go"
exec 8<>"$dir/go"

# hold NAME: a run of session `holder` makes that file and holds it; $holder is its `run`.
hold() {
	rm -f "$dir/ready"
	"$cli" run --session holder -- sh -Cc ': >"$0" && echo x >|"$1"; read -r _ <"$2"' \
		"$share/$1" "$dir/ready" "$dir/go" &
	holder=$!
	within 10 test -s "$dir/ready"
}
release() {
	echo go >&8
	wait $holder || fail "status $?"
}

# Odd names: the file of the lock is found by listing, what it says is JSON, and leads back to the name.
long=$(printf '%0250d' 0).lock
names=("a b.lock" "it's.lock" 'quo"ted.lock' $'new\nline.lock' $'tab\tesc\e[31m.lock' '$(reboot).lock' '-n.lock'
	'`id`.lock' 'back\slash.lock' $'\xff\xfe.lock' $'caf\xc3\xa9.lock' $'caf\xe9.lock' '*.lock' '.lock' 'LOCK' 'lock'
	$'\xe2\x80\xae.lock' "$long" 'a.lock.json.lock' 'tool.pid' 'x.lck' 'y.lockfile')
for name in "${names[@]}"; do
	hold "$name"
	[[ -e $share/$name ]] || fail "not in the lower: $name"
	file=$(find "$mnt/locks$share" -type f)
	[[ $file ]] || fail "no file for $name"
	((${#name} > 250)) || is "$file" "$mnt/locks$share/$name.json"
	"$python" - "$mnt" "$share/$name" "$file" <<'PY' || fail "what is said of $name"
import base64, json, os, sys
mnt, path, file = (os.fsencode(arg) for arg in sys.argv[1:])
for lock in (json.load(open(file, encoding="utf-8")), json.load(open(mnt + b"/locks.json", encoding="utf-8"))["locks"][0]):
    said = lock["lock"]
    raw = base64.b64decode(said["path_b64"]) if "path_b64" in said else said["path"].encode()
    assert raw == path, (raw, path)
    assert ("path_b64" in said) == (path.decode("utf-8", "replace").encode() != path), said
    assert said["path"] == path.decode("utf-8", "replace"), said
    assert not any(ord(c) < 32 or 0x7f <= ord(c) < 0xa0 or c == "\u202e" for c in lock["message"]), lock
PY
	# The verb takes the raw name; a conflict's envelope is one line of valid UTF-8.
	is "$("$cli" locks "$share/$name" | jq '.data.locks | length')" 1 "$name"
	status=0
	"$cli" run --json=on-error -- sh -Cc ': >"$0"' "$share/$name" >"$dir/envelope" 2>/dev/null || status=$?
	is "$status" 4 "$name"
	is "$(wc -l <"$dir/envelope")" 1
	iconv -f UTF-8 -t UTF-8 "$dir/envelope" | jq -e '.error.code == "LOCK_HELD"' >/dev/null || fail "$name"
	status=0
	"$cli" wait "$share/$name" --timeout 1ms >"$dir/envelope" || status=$?
	is "$status" 10 "$name: $(cat "$dir/envelope")"
	# The suggestion can be given to a shell.
	if [[ $name != *[$'\x80'-$'\xff\e\t\n']* ]]; then
		suggestion=$(jq -r '.error.suggestion' "$dir/envelope")
		is "$(bash -c "printf '%s' ${suggestion##*: sessionfs locks }")" "$share/$name"
	fi
	release
	is "$(find "$mnt/locks$share" -type f 2>/dev/null)" ''
	absent "$share/$name"
done
json_envelope "$dir/envelope"

# Both of two names that are cut alike are there.
"$cli" run --session holder -- bash -Cc ': >"$0a$1"; : >"$0b$1"; ls "$2" | sort -u | wc -l; cat "$2"/*.json | jq -r .lock.path' \
	"$share/" "${long:1}" "$mnt/locks$share" >"$dir/said"
is "$(<"$dir/said")" $'2\n'"$share/a${long:1}"$'\n'"$share/b${long:1}"

# No locks: what merely bears such a name stays plain private data, as in any overlay.
data=(Cargo.lock yarn.lock poetry.lock uv.lock flake.lock Gemfile.lock composer.lock Pipfile.lock bun.lock deno.lock
	mix.lock pdm.lock pixi.lock Podfile.lock gradle.lockfile sub/Cargo.lock repo/.git/index.lock repo/.git/refs/x.lock
	alock lock.txt file.locked pid a.lock.d)
for session in one two; do
	"$cli" run --session $session -- bash -c 'cd "$0" && mkdir -p sub repo/.git/refs && for name; do
		echo "$SESSIONFS_SESSION" >"$name" && rm "$name" && (set -C && echo "$SESSIONFS_SESSION" >"$name"); done' \
		"$share" "${data[@]}" || fail 'private data collides'
done
for name in "${data[@]}"; do
	is "$(cat "$mnt/sessions/0/one$share/$name" "$mnt/sessions/0/two$share/$name")" $'one\ntwo' "$name"
	absent "$share/$name"
done
is "$(jq -c .locks "$mnt/locks.json")" '[]'

# A lock in a directory that only the session has: private to it, arbitrated between its runs.
"$cli" run --session deep -- mkdir "$share/made"
rm -f "$dir/ready"
"$cli" run --session deep -- sh -Cc ': >"$0/made/t.lock" && echo x >|"$1"; read -r _ <"$2"' "$share" "$dir/ready" "$dir/go" &
holder=$!
within 10 test -s "$dir/ready"
status=0
"$cli" run --session deep -- sh -Cc ': >"$0/made/t.lock"' "$share" 2>"$dir/err" || status=$?
is "$status" 4
is "$(jq -r '.locks[0].lock | .path + " " + .scope' "$mnt/locks.json")" "$share/made/t.lock session"
absent "$share/made" "$mnt/locks$share/made"
mkdir "$share/other"
"$cli" run --session else -- sh -Cc 'mkdir "$0/made" && : >"$0/made/t.lock"' "$share" || fail 'denied by a private lock'
release
within 5 test ! -e "$mnt/sessions/0/deep$share/made/t.lock"
is "$(jq -c .locks "$mnt/locks.json")" '[]'
# In one that the lower has, it is everybody's.
"$cli" run --session deep -- sh -Cc ': >"$0/other/t.lock"; test -e "$1/locks$0/other/t.lock.json"' "$share" "$mnt"
absent "$share/other/t.lock"

# What lies below a lock that is a directory lives with it, and is no lock.
"$cli" run --session deep -- sh -Cce 'mkdir "$0/d.lock"; echo $$ >"$0/d.lock/pid"; mkdir "$0/d.lock/x.lock"
	test ! -e "$1/locks$0/d.lock"; rm -r "$0/d.lock"' "$share" "$mnt"

# git in a view: its own locks are private, its data is as without us.
if type git >/dev/null; then
	git init -q "$share/repo"
	(cd "$share/repo" && git config user.email a@b && git config user.name a && echo 1 >f && git add f && git commit -qm 1)
	(cd "$share/repo" && find . -type f -exec sha256sum {} + | sort -k 2) >"$dir/before"
	for session in one two; do
		"$cli" rm $session >/dev/null
		"$cli" run --session $session -- bash -c 'cd "$0/repo" && for i in 1 2 3 4 5; do
			echo "$SESSIONFS_SESSION$i" >>f && git add f && git commit -qm "$SESSIONFS_SESSION$i" || exit; done
			git gc -q && git fsck --strict' "$share" 2>"$dir/err.$session" &
	done
	for job in $(jobs -p); do
		[[ $job == "$watchdog" ]] || wait "$job" || fail "git: $(cat "$dir"/err.*)"
	done
	for session in one two; do
		is "$("$cli" run --session $session -- git -C "$share/repo" log --format=%s | xargs)" \
			"${session}5 ${session}4 ${session}3 ${session}2 ${session}1 1"
	done
	(cd "$share/repo" && find . -type f -exec sha256sum {} + | sort -k 2) | same "$dir/before" /dev/stdin
fi
mount_stop
