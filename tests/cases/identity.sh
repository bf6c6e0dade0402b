#!/bin/bash
# Who is the caller: which session a process belongs to, and which rule says so.
# Programs in single quotes are for other shells.
# shellcheck disable=SC2016
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cat >"$dir/config.json" <<'JSON'
{"identify": {"environment": ["CASE_ONE", "${CASE_A}.${CASE_B}", "CASE_LAST"]}}
JSON
mount_start

# who WANTED COMMAND...: the command prints whoami.json; it names that session, rule, run and uid.
who() {
	local said wanted=$1

	shift
	said=$("$@")
	is "$(jq -c '[.session, .identified_by, .run, .uid]' <<<"$said")" "$wanted" "${*:0:60}"
	# The caller's pid is a process's; the view is there exactly if the session is.
	[[ $(jq .pid <<<"$said") -gt 1 ]] || fail "no pid: $said"
	is "$(jq -c keys_unsorted <<<"$said")" '["session","identified_by","run","uid","pid","view"]'
}

whoami=(cat "$mnt/whoami.json")
known() {
	jq -r '.sessions[].session' "$mnt/sessions.json" | grep -qxF -- "$1"
}

# The variables, in their order. Reading whoami.json makes no session.
three=(env SESSIONFS_SESSION=s1 TOOL_SESSION_ID=t1 AGENT_SESSION_ID=a1 CASE_ONE=c1)
who '["s1","environment:SESSIONFS_SESSION",null,0]' "${three[@]}" "${whoami[@]}"
who '["t1","environment:TOOL_SESSION_ID",null,0]' "${three[@]}" env -u SESSIONFS_SESSION "${whoami[@]}"
who '["a1","environment:AGENT_SESSION_ID",null,0]' \
	env AGENT_SESSION_ID=a1 CASE_ONE=c1 CASE_A=x CASE_B=y "${whoami[@]}"
who '["c1","environment:CASE_ONE",null,0]' env CASE_ONE=c1 CASE_A=x CASE_B=y "${whoami[@]}"
who '["x.y","environment:${CASE_A}.${CASE_B}",null,0]' env CASE_A=x CASE_B=y CASE_LAST=l "${whoami[@]}"
who '["l","environment:CASE_LAST",null,0]' env CASE_A=x CASE_B= CASE_LAST=l "${whoami[@]}"
is "$(jq -c .sessions "$mnt/sessions.json")" '[]' 'sessions after whoami'

# A value that is no id counts as unset.
for value in '' ../x a/b 'a b' .x -x _x %2e 'ä' $'a\nb' $'a\xffb' "$(printf '%065d' 0)" '*' '${HOME}' '..'; do
	who '["t1","environment:TOOL_SESSION_ID",null,0]' \
		env SESSIONFS_SESSION="$value" TOOL_SESSION_ID=t1 "${whoami[@]}"
	who '["l","environment:CASE_LAST",null,0]' env CASE_A="$value" CASE_B=y CASE_LAST=l "${whoami[@]}"
done
long=$(printf '%064d' 0)
who "[\"$long\",\"environment:TOOL_SESSION_ID\",null,0]" env TOOL_SESSION_ID="$long" "${whoami[@]}"
who '["A.b_c:d-9","environment:TOOL_SESSION_ID",null,0]' env TOOL_SESSION_ID=A.b_c:d-9 "${whoami[@]}"

# The magic links make it, and lead into its view.
is "$(TOOL_SESSION_ID=m1 readlink "$mnt/self")" sessions/0/m1
known m1 || fail 'self made no session'
TOOL_SESSION_ID=m1 bash -c 'echo one >"$0/f"' "$mnt$share"
TOOL_SESSION_ID=m2 bash -c 'echo two >"$0/f"' "$mnt$share"
is "$(cat "$mnt/sessions/0/m1$share/f" "$mnt/sessions/0/m2$share/f")" $'one\ntwo'
absent "$share/f"
is "$(TMPDIR=$mnt$share TOOL_SESSION_ID=m3 mktemp --tmpdir | xargs basename | cut -c 1-4)" tmp.
is "$(find "$mnt/sessions/0/m3$share" -name 'tmp.*' | wc -l)" 1
is "$(find "$share" -name 'tmp.*' | wc -l)" 0
is "$(TOOL_SESSION_ID=m1 "${whoami[@]}" | jq -r .view)" "$mnt/sessions/0/m1"
# Looking a session up makes none.
absent "$mnt/sessions/0/m4" "$mnt/sessions/4711"
! known m4 || fail 'a look-up made a session'

# Inside a subtree the session is that subtree's, whatever the environment says.
(cd "$mnt/sessions/0/m1$share" && SESSIONFS_SESSION=m2 bash -c 'echo three >f')
is "$(cat "$mnt/sessions/0/m1$share/f" "$mnt/sessions/0/m2$share/f")" $'three\ntwo'
SESSIONFS_SESSION=m2 bash -c 'set -C; : >"$0/a.lock"' "$mnt/sessions/0/m1$share"
is "$(jq -r .holder.session "$mnt/locks$share/a.lock.json")" m1
rm "$share/a.lock"

# The environment is the one of execve: an export in a shell changes that of its children only.
# The shell must read the file itself.
said=$(TOOL_SESSION_ID=before bash -c \
	'export TOOL_SESSION_ID=after; printf %s "$(<"$0/whoami.json")" | jq -r .session; jq -r .session "$0/whoami.json"' "$mnt")
is "$said" $'before\nafter' 'export in a shell'

# Last, the POSIX session, whoever leads it. It has gone when the last of its processes has.
posix() {
	env -u SESSIONFS_SESSION setsid --wait "$@"
}
said=$(posix bash -c 'jq -r .session "$0/whoami.json"; echo kept >"$0$1/f"; echo $$
	jq -r ".session, .view" "$0/whoami.json"' "$mnt" "$share")
read -rd '' first pid second view <<<"$said" || true
is "$first" "$second"
[[ $first =~ ^sid-$pid-[0-9]+$ ]] || fail "the id of the POSIX session $pid is $first"
is "$view" "$mnt/sessions/0/$first"
session_gone() {
	! known "$1"
}
within 10 session_gone "$first"
within 5 test ! -e "$mnt/sessions/0/$first"
# While a process of it lives, its leader gone, it stays.
posix bash -c 'echo kept >"$0$1/f"; jq -r .session "$0/whoami.json" >"$2"; sleep 60 & echo $! >"$3"' \
	"$mnt" "$share" "$dir/posix" "$dir/sleeper"
sleep 2.5
first=$(<"$dir/posix")
is "$(cat "$mnt/sessions/0/$first$share/f")" kept 'the session of an orphan'
kill "$(<"$dir/sleeper")"
within 10 session_gone "$first"

# A run, by its mount namespace: no environment, user or pid namespace and no new POSIX session changes it.
cat >"$dir/in-run" <<'SH'
set -eu
unset TOOL_SESSION_ID
cat "$1/whoami.json"
for how in 'env -i PATH=/usr/sbin:/usr/bin' 'env SESSIONFS_RUN=r-none SESSIONFS_SESSION=other' \
	'setsid -w' 'unshare -Ur' 'unshare -m' 'unshare -p -f --mount-proc' 'unshare -Urmpf --mount-proc' \
	'unshare -n' 'unshare -C' 'chroot /' \
	'bwrap --bind / /' 'bwrap --bind / / --dev /dev --proc /proc --unshare-all'; do
	$how cat "$1/whoami.json" || echo "\"$how\""
done
SH
"$cli" run --session run1 -- sh "$dir/in-run" "$mnt" >"$dir/said"
is "$(jq -s length "$dir/said")" 13
is "$(jq -c '[.session, .identified_by, .uid]' "$dir/said" | sort -u)" '["run1","run",0]'
is "$(jq -c .run "$dir/said" | sort -u | grep -c '^"r-')" 1
is "$(jq -r .view "$dir/said" | sort -u)" "$mnt/sessions/0/run1"

# A sandbox with a mount namespace of its own and no environment: its views are still the run's, its
# locks its session's, but the links are of the POSIX session.
"$cli" run --session run2 -- bwrap --bind / / --dev /dev --clearenv --setenv PATH "$PATH" sh -c \
	'echo x >"$1/f"; cat "$0/whoami.json"; set -C; echo $$ >"$1/clear.lock"
	cat "$0/locks$1/clear.lock.json" 2>/dev/null; rm "$1/clear.lock"' "$mnt" "$share" >"$dir/said"
is "$(cat "$mnt/sessions/0/run2$share/f")" x
is "$(jq -sr '.[0].identified_by' "$dir/said")" posix-session
is "$(jq -sr '.[1].holder.session' "$dir/said")" run2

# SESSIONFS_RUN is a claim: it counts where uid and session match only.
"$cli" run --session run3 -- sh -c 'echo "$SESSIONFS_RUN $SESSIONFS_SESSION" >"$0"; exec sleep 60' "$dir/ids" &
runner=$!
within 10 test -s "$dir/ids"
read -r run session <"$dir/ids"
is "$session" run3
who "[\"run3\",\"run\",\"$run\",0]" env SESSIONFS_RUN="$run" SESSIONFS_SESSION=run3 "${whoami[@]}"
who '["run1","environment:SESSIONFS_SESSION",null,0]' \
	env SESSIONFS_RUN="$run" SESSIONFS_SESSION=run1 "${whoami[@]}"
who '["t1","environment:TOOL_SESSION_ID",null,0]' env SESSIONFS_RUN="$run" TOOL_SESSION_ID=t1 "${whoami[@]}"
who '["run3","environment:SESSIONFS_SESSION",null,1000]' \
	as 1000 env SESSIONFS_RUN="$run" SESSIONFS_SESSION=run3 "${whoami[@]}"
for bad in r-none '' r- "$run " "${run}0" "$(printf '%0300d' 0)"; do
	who '["run3","environment:SESSIONFS_SESSION",null,0]' \
		env SESSIONFS_RUN="$bad" SESSIONFS_SESSION=run3 "${whoami[@]}"
done
kill $runner
wait $runner || true
within 10 bash -c "! grep -q '$run' '$mnt/sessions.json'"
who '["run3","environment:SESSIONFS_SESSION",null,0]' \
	env SESSIONFS_RUN="$run" SESSIONFS_SESSION=run3 "${whoami[@]}"

# A run inside a run: the inner one, with the outer's session, in the same view.
"$cli" run --session run4 -- sh -c \
	'echo out >"$2/f"; cat "$1/whoami.json"; "$0" run -- sh -c "cat \"\$0/whoami.json\"; cat \"\$1/f\" >&2" "$1" "$2"' \
	"$cli" "$mnt" "$share" >"$dir/said" 2>"$dir/said2"
is "$(jq -c '[.session, .identified_by]' "$dir/said" | sort -u)" '["run4","run"]'
is "$(jq -r .run "$dir/said" | sort -u | wc -l)" 2
is "$(<"$dir/said2")" out
# Another session inside: its own view, and no trace in the outer's.
"$cli" run --session run5 -- sh -c \
	'echo out >"$2/f"; "$0" run --session run6 -- sh -c "test ! -e \"\$0/f\" && echo in >\"\$0/g\"" "$2"
	test ! -e "$2/g"' "$cli" "$mnt" "$share"
is "$(cat "$mnt/sessions/0/run5$share/f" "$mnt/sessions/0/run6$share/g")" $'out\nin'

# A caller in a chroot, outside every run.
mkdir "$dir/root" "$dir/root/mnt" "$dir/root/dir"
(
	unshare -m bash -euc '
		mount --rbind / "$1/root"
		exec chroot "$1/root" "${@:2}"' - "$dir" env TOOL_SESSION_ID=jail sh -c \
		'cat "$0/whoami.json"; echo jailed >"$0$1/f"; readlink "$0/self"' "$mnt" "$share" >"$dir/said"
)
is "$(head -n -1 "$dir/said" | jq -r .session)" jail
is "$(tail -n 1 "$dir/said")" sessions/0/jail
is "$(cat "$mnt/sessions/0/jail$share/f")" jailed

# `run` takes the same variables, and refuses what is no id.
for name in SESSIONFS_SESSION TOOL_SESSION_ID AGENT_SESSION_ID CASE_ONE CASE_LAST; do
	is "$(env "$name=v-$name" "$cli" run -- jq -r .session "$mnt/whoami.json" 2>&1)" "v-$name"
	status=0
	env "$name=../x" "$cli" run -- touch "$dir/ran" 2>"$dir/err" || status=$?
	is "$status" 2 "run with a bad $name"
	grep -q "$name" "$dir/err" || fail "$(cat "$dir/err")"
done
absent "$dir/ran"
# What a template makes counts as unset where it is no id.
is "$(CASE_A=a CASE_B=/ CASE_LAST=l "$cli" run -- jq -r .session "$mnt/whoami.json")" l
# Without any, a fresh one each time.
one=$("$cli" run -- jq -r .session "$mnt/whoami.json")
two=$("$cli" run -- jq -r .session "$mnt/whoami.json")
[[ $one != "$two" && $one != sid-* ]] || fail "fresh sessions $one and $two"
within 5 session_gone "$one"

mount_stop
