#!/bin/bash
# Which session a run lives in, what stays of it, and how its view replaces the share.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
chmod 1777 "$share"
mkdir -p "$share/sub"
echo lower >"$share/file"
mount_start

session_of() {
	# shellcheck disable=SC2016
	"$cli" run "$@" -- sh -c 'echo $SESSIONFS_SESSION'
}

# The option, then the variables in their order; empty is unset.
is "$(session_of --session a)" a
is "$(SESSIONFS_SESSION=b session_of --session a)" a
is "$(SESSIONFS_SESSION=b TOOL_SESSION_ID=c session_of)" b
is "$(SESSIONFS_SESSION='' TOOL_SESSION_ID=c AGENT_SESSION_ID=d session_of)" c
is "$(AGENT_SESSION_ID=d session_of)" d
[[ $(session_of) == s-* ]] || fail 'a fresh id'

# What is no id is refused before anything runs.
for id in ../x 'a b' %2e "$(printf '%065d' 0)" '' .x -x a/b 0/../x $'a\n'; do
	status=0
	"$cli" run "--session=$id" -- touch "$dir/ran" 2>"$dir/err" || status=$?
	is "$status" 2 "--session='$id'"
	for name in SESSIONFS_SESSION TOOL_SESSION_ID AGENT_SESSION_ID; do
		[[ $id ]] || continue
		status=0
		env "$name=$id" "$cli" run -- touch "$dir/ran" 2>"$dir/err" || status=$?
		is "$status" 2 "$name='$id'"
		[[ $(cat "$dir/err") == *"\$$name"* ]] || fail "$(cat "$dir/err")"
	done
	absent "$dir/ran"
done
status=0
"$cli" run --json --session '../x' -- true >"$dir/out" || status=$?
is "$status" 2
json_envelope "$dir/out"
is "$(jq -r '.error.code + " " + .meta.exit_source' "$dir/out")" 'VALIDATION_ERROR sessionfs'

# The view is at the share's own path, and only there.
"$cli" run --session w -- sh -c "echo mine >$share/file; rm -r $share/sub; mkdir $share/new"
is "$(cat "$share/file")" lower
is "$("$cli" run --session w -- cat "$share/file")" mine
is "$("$cli" run --session w2 -- cat "$share/file")" lower
absent "$share/new"
is "$("$cli" diff w | jq -c '[.data.changes[] | [.change, .path]]')" \
	"[[\"M\",\"$share/file\"],[\"A\",\"$share/new\"],[\"D\",\"$share/sub\"]]"
is "$("$cli" diff w "$share/new" | jq -c '[.data.changes[].change]')" '["A"]'

# A fresh session vanishes unless something was written; then one line names it.
before=$("$cli" ls | jq '.data.sessions | length')
"$cli" run -- cat "$share/file" >/dev/null 2>"$dir/err"
is "$(cat "$dir/err")" ''
session_count() {
	[[ $("$cli" ls | jq '.data.sessions | length') == "$1" ]]
}
within 5 session_count "$before"
"$cli" run -- sh -c "echo x >$share/result" 2>"$dir/err"
[[ $(cat "$dir/err") =~ ^'sessionfs: session '(s-[0-9a-f]+)' holds what was written' ]] ||
	fail "$(cat "$dir/err")"
kept=${BASH_REMATCH[1]}
is "$(wc -l <"$dir/err")" 1
is "$(cat "$mnt/sessions/0/$kept$share/result")" x
is "$("$cli" show "$kept" | jq .data.changes)" 1
is "$("$cli" enter "$kept" -- cat "$share/result")" x
"$cli" rm "$kept" >/dev/null
refuse 'no session' "$cli" show "$kept"

# --on-exit reset drops everything, after what is left over has ended.
"$cli" run --session r --on-exit reset -- sh -c "echo x >$share/x; sleep 60 & echo \$! >$dir/pid"
is "$("$cli" diff r | jq -c .data.changes)" '[]'
absent "/proc/$(cat "$dir/pid")"
"$cli" run --session r -- sleep 60 &
runner=$!
busy() {
	[[ $("$cli" show r | jq '.data.runs | length') == 1 ]]
}
within 5 busy
status=0
"$cli" run --session r --on-exit reset -- touch "$dir/ran" 2>"$dir/err" || status=$?
is "$status" 4 "$(cat "$dir/err")"
absent "$dir/ran"
kill "$runner"
wait "$runner" || true

# enter: existing sessions only; a shell by default.
status=0
"$cli" enter nobody-made-this -- true 2>"$dir/err" || status=$?
is "$status" 5
refuse 'no session' "$cli" show nobody-made-this
is "$(echo "cat $share/file" | SHELL=/bin/sh "$cli" enter w)" mine
is "$("$cli" enter w cat "$share/file")" mine
is "$("$cli" enter w --json -- cat "$share/file" | jq -r .data.stdout)" mine

# A run within a run, in its own session or in another.
# shellcheck disable=SC2016
is "$("$cli" run --session outer -- "$cli" run -- sh -c 'echo $SESSIONFS_SESSION')" outer
is "$("$cli" run --session outer -- "$cli" run --session w -- cat "$share/file")" mine
is "$("$cli" run --session w -- sh -c "$cli run -- true; cat $share/file")" mine
"$cli" run -- sh -c "$cli run -- true; echo x >$share/after" 2>"$dir/err"
kept=$(grep -o 's-[0-9a-f]*' "$dir/err" | head -n 1)
is "$(cat "$mnt/sessions/0/$kept$share/after")" x 'the inner run took the session with it'

# The working directory is the same path in the view; where it is not there, nothing runs.
is "$(cd "$share"; "$cli" run --session w -- sh -c 'pwd; cat file')" "$share"$'\n'mine
status=0
(cd "$share/sub" && "$cli" run --session w -- touch "$dir/ran" 2>"$dir/err") || status=$?
is "$status" 4
absent "$dir/ran"
[[ $(cat "$dir/err") == *"$share/sub"* ]] || fail "$(cat "$dir/err")"

# A stdout that was opened in the share before is said to be no part of the session.
"$cli" run --session w -- echo x >"$share/out" 2>"$dir/err"
[[ $(cat "$dir/err") == 'sessionfs: warning: STDOUT_IN_SHARE: '*"$share/out"* ]] || fail "$(cat "$dir/err")"
is "$(cat "$share/out")" x
"$cli" run --session w -- sh -c "$cli run -- echo x >$share/out2" 2>"$dir/err"
is "$(cat "$dir/err")" '' 'a file of the session itself'

# Ordinary users: by a user namespace; each uid has its own sessions of the same name.
as 1234 "$cli" run --session w -- sh -c "cat $share/file; id -u; echo u >$share/theirs" >"$dir/out"
is "$(cat "$dir/out")" $'lower\n1234'
is "$(stat -c %u:%g "$mnt/sessions/1234/w$share/theirs")" 1234:1234
is "$(as 1234 "$cli" run --json -- true | jq -r '.warnings[0]' | cut -d: -f1)" USERNS_FALLBACK
is "$(as 1234 "$cli" run -- true 2>&1)" ''
refuse 'another user' as 1234 "$cli" run --session 0/w -- true
refuse 'another user' as 1234 "$cli" enter 0/w -- true
is "$("$cli" run --session 1234/w -- cat "$share/theirs")" u
is "$("$cli" ls | jq -c '[.data.sessions[] | select(.session == "w") | .uid]')" '[0,1234]'
is "$(as 1234 "$cli" ls | jq -c '[.data.sessions[].uid] | unique')" '[1234]'

mount_stop
