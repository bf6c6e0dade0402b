#!/bin/bash
# fork: a session that begins with what another sees, and goes its own way.
# Programs in single quotes are for other shells.
# shellcheck disable=SC2016
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

in_session() {
	"$cli" run --session "$1" -- bash -ec "cd '$share'; $2"
}
# fork ARGS: status, and code or id.
fork() {
	local status=0

	"$cli" fork "$@" --json >"$dir/json" || status=$?
	json_envelope "$dir/json"
	echo "$status $(jq -r '.error.code // .data.session' "$dir/json")"
}
view_of() {
	echo "$mnt/sessions/0/$1$share"
}

mkdir -p "$share"/{d,gone,tree/in,opaque}
for f in d/a d/b gone/1 tree/in/1 opaque/1 f; do
	echo "lower $f" >"$share/$f"
done
head -c 300000 /dev/urandom >"$share/large"
echo '{"a": 1, "b": 1}' >"$share/s.json"
mount_start

in_session s '
	echo more >>d/a; rm -r gone; rm d/b; mv tree moved; mv large larger; rm -r opaque; mkdir opaque; echo 1 >opaque/2
	echo 1 >h1; ln h1 h2; ln -s nowhere l; mkfifo p; setfattr -n user.k -v v h1; echo 1 >suid; chmod 4755 suid; chown 1000:1000 d
	sed -i "s/\"a\": 1/\"a\": 2/" s.json; touch -d 2001-02-03 d h1; truncate -s 1G sparse'
content "$(view_of s)" >"$dir/want"
snapshot "$share" >"$dir/before"
# What is open and written on belongs to who wrote.
exec 5>>"$(view_of s)/h1"
is "$(fork s child)" "0 child"
content "$(view_of child)" >"$dir/got"
same "$dir/want" "$dir/got" "the child"
is "$(stat -c '%h' "$(view_of child)/h1")" 2
is "$(getfattr --only-values --absolute-names -n user.k "$(view_of child)/h2")" v
(($(stat -c %b "$(view_of child)/sparse") < 100)) || fail "holes were filled"
diff <("$cli" diff s --json | jq .data.changes) <("$cli" diff child --json | jq .data.changes) >&2 || fail "diffs differ"

# Neither sees the other's writes.
echo late >&5
exec 5>&-
in_session s 'echo s >>d/a; rm larger'
in_session child 'echo child >>f; rm -r moved'
is "$(xargs <"$(view_of child)/d/a")" "lower d/a more"
is "$(cat "$(view_of child)/h1")" 1
cmp "$(view_of child)/larger" "$share/large"
is "$(cat "$(view_of s)/f")" "lower f"
is "$(cat "$(view_of s)/moved/in/1")" "lower tree/in/1"
snapshot "$share" >"$dir/after"
same "$dir/before" "$dir/after" "the share"

# It knows what the share held when its parent took the names over: commits tell, and merge.
echo '{"a": 1, "b": 3}' >"$share/s.json"
"$cli" commit child --json | json_envelope
is "$(jq -c . "$share/s.json")" '{"a":2,"b":3}'
is "$(stat -c %U:%a "$share/suid")" root:4755
status=0
"$cli" commit s --json >"$dir/json" || status=$?
is "$status" 6
jq -e --arg p "$share/d/a" 'any(.error.conflicts[]; .path == $p)' "$dir/json" >/dev/null || fail "$(cat "$dir/json")"

# Forks of forks, of nothing, of a session without changes; and over a remount.
previous=s
for depth in 1 2 3 4 5 6 7 8; do
	is "$(fork "$previous" "deep-$depth")" "0 deep-$depth"
	in_session "deep-$depth" "echo $depth >deep-$depth"
	previous=deep-$depth
done
is "$(cat "$(view_of deep-8)"/deep-{1,2,3,4,5,6,7,8} | xargs)" "1 2 3 4 5 6 7 8"
absent "$(view_of deep-7)/deep-8"
"$cli" create empty >/dev/null
is "$(fork empty empty-2)" "0 empty-2"
mount_stop
mount_start
is "$(cat "$(view_of deep-8)/deep-1")" 1

# An id of its own, where none is given.
[[ $(fork s) == "0 s-"* ]] || fail "$(cat "$dir/json")"
is "$(fork s child)" "6 ALREADY_EXISTS"
is "$(fork none x)" "5 NOT_FOUND"
is "$(fork s ../x)" "2 VALIDATION_ERROR"
refuse PERMISSION_DENIED as 1000 "$cli" fork 0/s mine --json
as 1000 "$cli" create u >/dev/null
is "$(fork 1000/u v)" "0 v"
is "$(jq .data.uid "$dir/json")" 1000
mount_stop
