#!/bin/bash
# commit: what a session has changed becomes the share's, all of it or nothing.
# Programs in single quotes are for other shells.
# shellcheck disable=SC2016
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# commit ARGS: status and code of `commit`, and the paths that stand in its way with the reason.
commit() {
	local status=0

	"$cli" commit "$@" --json >"$dir/json" || status=$?
	json_envelope "$dir/json"
	jq -r --arg status "$status" --arg share "$share/" \
		'[$status, .error.code // "ok", ((.error.conflicts // .error.forbidden // [])[] |
		  (.path | ltrimstr($share)) + ":" + .reason)] | join(" ")' "$dir/json"
}
in_session() {
	"$cli" run --session "$1" -- bash -ec "cd '$share'; $2"
}
changes() {
	"$cli" diff "$1" --json | jq '.data.changes | length'
}

mkdir -p "$share"/{d/sub,old/deep,gone/sub,was_dir/x,merged,opaque/in}
for f in d/a d/b d/sub/c old/x old/deep/y gone/1 gone/sub/2 was_dir/x/1 plain replaced mode was_file merged/m opaque/in/z opaque/o; do
	echo "lower $f" >"$share/$f"
done
head -c 300000 /dev/urandom >"$share/large"
ln -s plain "$share/link"
chmod 750 "$share/d"
mount_start

# Every kind of change, and what each must be afterwards is what the view shows before.
in_session s '
	echo more >>d/a; echo new >d/new; mkdir -p fresh/deep; echo 1 >fresh/deep/f; chmod 711 fresh
	touch -d 2001-02-03 fresh/deep fresh
	echo other >.tmp; mv .tmp replaced; chmod 4711 mode; chmod 700 merged; rm d/b
	rm -r gone was_dir; echo now a file >was_dir; rm was_file; mkdir was_file; echo 1 >was_file/1
	ln -sfn d/a link; mkfifo fifo; mv old new; echo added >new/added; echo up >>new/deep/y; rm new/x
	mv large moved; echo two >h1; ln h1 h2; setfattr -n user.k -v v d/new
	rm -r opaque; mkdir opaque; echo 1 >opaque/o; : >"$(printf "odd\377\nname")"'
view=$mnt/sessions/0/s$share
content "$view" >"$dir/want"
snapshot "$share" >"$dir/before"
is "$(commit s --dry-run)" "0 ok"
is "$(jq -r '.data.dry_run, (.data.changes | length)' "$dir/json" | xargs)" "true $(changes s)"
snapshot "$share" >"$dir/after"
same "$dir/before" "$dir/after" "a dry run changed the share"

# Files that are open elsewhere keep what they had; names are the new ones at once.
exec 5<"$share/replaced"
other=$(session_make other)
is "$(cat "$other/d/a")" "lower d/a"
is "$(commit s)" "0 ok"
is "$(xargs <"$other/d/a")" "lower d/a more" "another session"
is "$(cat <&5)" "lower replaced"
exec 5<&-
content "$share" >"$dir/got"
same "$dir/want" "$dir/got" "the share"
content "$view" >"$dir/got"
same "$dir/want" "$dir/got" "the view"
is "$(stat -c %h "$share/h1")" 2
is "$(getfattr --only-values -n user.k "$share/d/new")" v
is "$(stat -c %Y "$share/fresh/deep")" "$(date -d 2001-02-03 +%s)"
is "$(changes s)" 0
is "$(commit s)" "0 ok" "nothing to do"
find "$share" "$view" -name '.sessionfs-*' >"$dir/left"
same /dev/null "$dir/left" "left in the share"
# It goes on from there.
in_session s 'echo again >>d/a; rm new/added'
is "$(commit s)" "0 ok"
is "$(tail -n1 "$share/d/a")" again
absent "$share/new/added"

# What the share has changed since stands in the way; then nothing is changed.
declare -A session_does=(
	[changed]='echo ours >>f' [replaced]='echo ours >.t; mv .t f' [removed]='rm f' [moved]='mv f g'
	[appeared]='echo ours >n' [gone]='echo ours >>f' [tree]='rm -r t' [retyped]='rm f; mkdir f'
	[twice]='echo 1 >>f; echo 2 >.t; mv .t f' [again]='echo 1 >>f; rm f; echo 2 >f' [mode]='chmod 600 f'
	[new_in_tree]='rm -r t' [link]='ln -sfn ours l' [moved_over]='echo 1 >>t/1; mv t/1 f'
)
declare -A share_does=(
	[changed]='echo theirs >f' [replaced]='echo theirs >f' [removed]='echo theirs >f' [moved]='echo theirs >f'
	[appeared]='echo theirs >n' [gone]='rm f' [tree]='echo theirs >t/1' [retyped]='echo theirs >f'
	[twice]='echo theirs >f' [again]='echo theirs >f' [mode]='chmod 640 f'
	[new_in_tree]='echo theirs >t/new' [link]='ln -sfn theirs l' [moved_over]='echo theirs >f'
)
declare -A clash=(
	[changed]=f:changed [replaced]=f:changed [removed]=f:changed [moved]=f:changed
	[appeared]=n:appeared [gone]=f:removed [tree]=t:changed [retyped]=f:changed
	[twice]=f:changed [again]=f:changed [mode]=f:changed
	[new_in_tree]=t:appeared [link]=l:changed [moved_over]=f:changed
)
for name in "${!clash[@]}"; do
	rm -rf "${share:?}"/{f,g,n,t,l}
	mkdir "$share/t"
	echo base >"$share/f"
	echo base >"$share/t/1"
	ln -s base "$share/l"
	in_session "c-$name" "${session_does[$name]}; echo 1 >harmless-$name"
	(cd "$share" && eval "${share_does[$name]}")
	snapshot "$share" >"$dir/before"
	said=$(commit "c-$name")
	[[ $said == "6 COMMIT_CONFLICT"*" ${clash[$name]}"* ]] || fail "$name: $said"
	snapshot "$share" >"$dir/after"
	same "$dir/before" "$dir/after" "$name"
	is "$(commit "c-$name" --dry-run)" "$said" "$name, dry run"
	# The session is as it was, and the rest of it can be published.
	is "$(commit "c-$name" "$share/harmless-$name")" "0 ok" "$name"
	is "$(cat "$share/harmless-$name")" 1 "$name"
	# Dropped, the rest lands.
	"$cli" reset "c-$name" "$share/${clash[$name]%%:*}" >/dev/null
done

# Both sides changed to the same: no conflict, and nothing to do.
echo base >"$share/f"
in_session same 'echo both >f; touch -d 2020-01-01 f; rm -r t'
echo both >"$share/f"
touch -d 2020-01-01 "$share/f"
rm -r "$share/t"
is "$(commit same)" "0 ok"
is "$(jq '.data.changes | length' "$dir/json")" 0

# A mere copy is no change of the session's: what the share made of it since stays.
echo base >"$share/f"
mkdir -m 755 "$share/copied"
in_session copy ': >>f; echo 1 >copied/1'
echo theirs >"$share/f"
chmod 750 "$share/copied"
is "$(commit copy)" "0 ok"
is "$(cat "$share/f") $(cat "$share/copied/1") $(stat -c %a "$share/copied")" "theirs 1 750"
in_session copy 'setfattr -n user.k -v v f'
echo newer >"$share/f"
is "$(commit copy)" "6 COMMIT_CONFLICT f:changed"

# JSON objects of both sides are merged by key; what clashes is named.
printf '{\n  "a": 1,\n  "b": {"c": 1.50}\n}\n' >"$share/s.json"
in_session json 'sed -i "s/1.50/2/" s.json'
printf '{\n  "a": 1,\n  "new": [1, 2],\n  "b": {"c": 1.50}\n}\n' >"$share/s.json"
is "$(commit json --no-merge --dry-run)" "6 COMMIT_CONFLICT s.json:changed"
is "$(commit json)" "0 ok"
is "$(jq -c '.data.changes[] | [.change, .merged]' "$dir/json")" '["M",true]'
printf '{\n  "a": 1,\n  "new": [1, 2],\n  "b": {"c": 2}\n}\n' >"$dir/want"
same "$dir/want" "$share/s.json"
for write in 'sed -i "s/2}/3}/" s.json' 'sed "s/2}/3}/" <s.json >t.json; cat t.json >s.json; rm t.json' 'jq -c ".b.c = 3" s.json >.t; mv .t s.json'; do
	cp "$dir/want" "$share/s.json"
	in_session json "$write"
	sed -i 's/2}/4}/' "$share/s.json"
	snapshot "$share" >"$dir/before"
	is "$(commit json)" "6 COMMIT_CONFLICT s.json:changed" "$write"
	is "$(jq -c '.error.conflicts[0].pointers' "$dir/json")" '["/b/c"]' "$write"
	snapshot "$share" >"$dir/after"
	same "$dir/before" "$dir/after" "a clash"
	sed -i 's/4}/2}/; s/"a": 1/"a": 9/' "$share/s.json"
	is "$(commit json)" "0 ok" "$write"
	is "$(jq -c . "$share/s.json")" '{"a":9,"new":[1,2],"b":{"c":3}}' "$write"
done
echo '{"a": 1} // no JSON' >"$share/n.json"
in_session json 'sed -i s/1/2/ n.json'
sed -i 's/1/3/' "$share/n.json"
is "$(commit json)" "6 COMMIT_CONFLICT n.json:changed"

# Some paths alone bring the new directories above them, and nothing else.
in_session part 'mkdir -p p/q; echo 1 >p/q/1; echo 2 >p/2; echo 3 >top'
is "$(commit part "$share/p/q")" "0 ok"
is "$(cat "$share/p/q/1")" 1
absent "$share/p/2" "$share/top"
is "$(changes part)" 2
in_session part 'echo more >>p/q/1'
is "$(commit part)" "0 ok"
is "$(xargs <"$share/p/q/1")" "1 more"
is "$(cat "$share/p/2")" 2

# What was renamed by reference goes with the whole session.
mkdir -p "$share/ref/in"
echo 1 >"$share/ref/in/1"
in_session ref 'mv ref ref2; echo 1 >beside'
is "$(commit ref "$share/beside")" "4 PRECONDITION_FAILED"
is "$(commit ref)" "0 ok"
is "$(cat "$share/ref2/in/1" "$share/beside" | xargs)" "1 1"
absent "$share/ref"

# With the rights of who asks: also of directories that were closed since.
mkdir -m 777 "$share/open"
echo base >"$share/open/f"
chown 1000:1000 "$share/open/f"
as 1000 "$cli" run --session u -- sh -c 'echo user >"$0/open/f"; echo 1 >"$0/open/new"' "$share"
chmod 755 "$share/open"
snapshot "$share" >"$dir/before"
status=0
as 1000 "$cli" commit u --json >"$dir/json" || status=$?
is "$status" 7
is "$(jq -r '.error.code, .error.forbidden[].path' "$dir/json" | xargs)" \
	"PERMISSION_DENIED $share/open/f $share/open/new"
snapshot "$share" >"$dir/after"
same "$dir/before" "$dir/after" "without the right"
chmod 777 "$share/open"
as 1000 "$cli" commit u --json | json_envelope
is "$(stat -c '%u %g' "$share/open/new")" "1000 1000"
# What a renamed tree takes along must have been within reach.
mkdir -p "$share/open/tree/shut"
echo secret >"$share/open/tree/shut/1"
chown -R 1000:1000 "$share/open/tree"
chown -R 0:0 "$share/open/tree/shut"
chmod 700 "$share/open/tree/shut"
as 1000 "$cli" run --session u3 -- mv "$share/open/tree" "$share/open/tree2"
status=0
as 1000 "$cli" commit u3 --json >"$dir/json" || status=$?
is "$status $(jq -r .error.code "$dir/json")" "7 PERMISSION_DENIED"
is "$(cat "$share/open/tree/shut/1")" secret
absent "$share/open/tree2"
is "$(cat "$share/open/f")" user
refuse PERMISSION_DENIED as 1000 "$cli" commit 0/s --json

# What may not be: a session in use, one that is not there, a path elsewhere.
in_session busy 'echo 1 >busy'
"$cli" run --session busy -- sh -c ': >"$0/began"; read -r _ <"$0/go"' "$dir" &
runner=$!
mkfifo "$dir/go"
within 10 test -e "$dir/began"
is "$(commit busy)" "4 PRECONDITION_FAILED"
echo >"$dir/go"
wait "$runner"
is "$(commit none)" "5 NOT_FOUND"
is "$(commit busy /etc)" "2 VALIDATION_ERROR"
absent "$share/busy"

# COMMAND as a transaction.
"$cli" run --on-exit commit --json -- sh -c 'echo done >"$0/transaction"' "$share" >"$dir/json"
json_envelope "$dir/json"
is "$(jq -r '.data.committed[].path, .data.kept.changes' "$dir/json" | xargs)" "$share/transaction false"
is "$(cat "$share/transaction")" "done"
"$cli" run --session t --on-exit commit -- sh -c 'echo no >"$0/transaction"; exit 3' "$share" 2>/dev/null || is $? 3
is "$(cat "$share/transaction")" "done"
is "$(changes t)" 1
mkfifo "$dir/go2"
"$cli" run --on-exit commit --json -- sh -c 'echo ours >"$0/transaction"; : >"$1/began2"; read -r _ <"$1/go2"' \
	"$share" "$dir" >"$dir/json" &
runner=$!
within 10 test -e "$dir/began2"
echo theirs >"$share/transaction"
echo >"$dir/go2"
status=0
wait "$runner" || status=$?
is "$status" 6
json_envelope "$dir/json"
is "$(jq -r '.error.code, .error.conflicts[].path, .error.kept.changes' "$dir/json" | xargs)" \
	"COMMIT_CONFLICT $share/transaction true"
is "$(cat "$share/transaction")" theirs
is "$(cat "$mnt/sessions/0/$(jq -r .meta.session "$dir/json")$share/transaction")" ours

# Of a share that begins empty: directories of both sides are one, files that are there are in the way.
mount_stop
mkdir -p "$share/e/in"
echo lower >"$share/e/kept"
share_options=mode=empty
chmod 777 "$share"
mount_start
in_session e 'mkdir -p e/in; echo 1 >e/in/1; echo 1 >e/2'
is "$(commit e)" "0 ok"
is "$(cat "$share/e/kept" "$share/e/in/1" "$share/e/2" | xargs)" "lower 1 1"
in_session e2 'mkdir e; echo ours >e/kept'
is "$(commit e2)" "6 COMMIT_CONFLICT e/kept:appeared"
is "$(cat "$share/e/kept")" lower
# Nor do the rights come with a directory that only the session has made.
mkdir -m 755 "$share/of_root"
as 1000 "$cli" run --session u2 -- sh -c 'mkdir "$0/of_root" && echo 1 >"$0/of_root/planted"' "$share"
status=0
as 1000 "$cli" commit u2 --json >"$dir/json" || status=$?
is "$status $(jq -r '.error.forbidden[].path' "$dir/json")" "7 $share/of_root/planted"
absent "$share/of_root/planted"
mount_stop
