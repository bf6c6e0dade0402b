#!/bin/bash
# What every verb prints: valid envelopes, tables, help, the manifest; and bad command lines.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
schemas=$here/../../../shared/schemas
verbs=$("$cli" --schema | jq -r '.commands | keys_unsorted[]')

# call WANTED ARGUMENT...: exits with it and prints one envelope, which is left in $dir/out.
call() {
	local wanted=$1 got=0

	shift
	"$cli" "$@" >"$dir/out" 2>"$dir/err" || got=$?
	is "$got" "$wanted" "$*"
	json_envelope "$dir/out"
	is "$(wc -l <"$dir/out")" 1 "lines of $*"
	is "$(cat "$dir/err")" '' "stderr of $*"
	if ((wanted)); then
		is "$(jq .error.exit_code "$dir/out")" "$wanted" "exit_code of $*"
	fi
}

code() {
	jq -r .error.code "$dir/out"
}

# Without a mount: help and the like work, everything else says what is missing.
for option in '' --help --version --schema; do
	"$cli" ${option:+"$option"} >"$dir/out" 2>"$dir/err" || fail "$option"
	[[ -s $dir/out && ! -s $dir/err ]] || fail "$option"
done
is "$("$cli" --version)" "$("$cli" version -o table)"
for verb in $verbs; do
	"$cli" "$verb" --help >"$dir/out"
	grep -q "^Usage: sessionfs $verb" "$dir/out" || fail "$verb --help"
	"$cli" help "$verb" | cmp - "$dir/out" || fail "help $verb"
	"$cli" | grep -q "^  $verb " || fail "$verb is not in the overview"
done
for verb in ls status locks events 'show a' 'create a' 'rm a' 'reset a' 'diff a' 'wait /x'; do
	# shellcheck disable=SC2086
	call 12 $verb
	is "$(code)" UNAVAILABLE "$verb"
	is "$(jq -r .error.suggestion "$dir/out")" "Mount it: sessionfs mount $mnt" "$verb"
done
mkdir "$dir/plain"
echo untouched >"$dir/plain/ctl"
call 12 ls --mountpoint "$dir/plain"
is "$(cat "$dir/plain/ctl")" untouched
call 12 ls --mountpoint "$dir/plain/ctl"

# The manifest is valid and lists what --help lists.
if [[ -e $schemas/manifest-response.json ]]; then
	"$cli" --schema | "$python" -c '
import json, os, sys
try:
    import jsonschema
except ImportError:
    sys.exit(0)
folder = os.path.realpath(sys.argv[1])
with open(folder + "/manifest-response.json") as file:
    schema = json.load(file)
with open(folder + "/exit-code-entry.json") as file:
    entry = json.load(file)
store = {"exit-code-entry.json": entry, "ExitCodeEntry": entry}
resolver = jsonschema.RefResolver("", schema, store=store)
manifest = json.load(sys.stdin)
jsonschema.Draft7Validator(schema, resolver=resolver).validate(manifest)
' "$schemas"
fi

is "$("$cli" help)" "$("$cli" --help)"

# Command lines that are wrong, before anything is looked for.
call 2 lss
# shellcheck disable=SC2016
is "$(jq -r .error.suggestion "$dir/out")" 'Did you mean `sessionfs ls`? All verbs: sessionfs --help'
for line in 'help lss' 'ls --jsno' 'ls extra' show 'show a b' 'show ../x' 'show %2e' 'create .x' 'rm a ../x' \
	'diff a/b/c' 'wait' 'wait /x --timeout soon' 'ls -x' 'ls --output yaml' 'reset' 'ls --mountpoint'; do
	# shellcheck disable=SC2086
	call 2 $line
	is "$(code)" VALIDATION_ERROR "$line"
done
for id in 'a b' '' "$(printf '%065d' 0)" $'a\n'; do
	call 2 show "$id"
	call 2 create "$id"
done

mount_start

# Each verb's success.
call 0 status
is "$(jq -r .data.mountpoint "$dir/out")" "$mnt"
is "$(jq -r '.data | keys_unsorted | join(" ")' "$dir/out")" \
	"$(jq -r 'keys_unsorted | join(" ")' "$mnt/status.json")"
call 0 ls
is "$(jq -c .data.sessions "$dir/out")" '[]'
call 0 create one
is "$(jq -c '[.data.session, .data.created, .data.view]' "$dir/out")" "[\"one\",true,\"$mnt/sessions/0/one\"]"
call 0 create one
is "$(jq -c .data.created "$dir/out")" false
call 0 create
[[ $(jq -r .data.session "$dir/out") == s-* ]] || fail 'a fresh id'
echo x >"$mnt/sessions/0/one$share/x"
call 0 show one
is "$(jq -c '[.data.session, .data.changes, .data.views[]]' "$dir/out")" "[\"one\",1,\"$mnt/sessions/0/one$share\"]"
is "$(cat "$(jq -r --arg share "$share" '.data.views[$share]' "$dir/out")/x")" x 'read by the path of show'
call 0 diff one
is "$(jq -c .data.changes "$dir/out")" "[{\"change\":\"A\",\"path\":\"$share/x\",\"type\":\"file\"}]"
(cd "$share" && "$cli" diff one x) >"$dir/out"
is "$(jq '.data.changes | length' "$dir/out")" 1 'a relative path'
call 0 reset one "$share/x"
is "$(jq .data.dropped "$dir/out")" 1
call 0 diff one
is "$(jq -c .data.changes "$dir/out")" '[]'
call 0 locks
call 0 wait "$share/no.lock"
call 0 events
is "$(jq -r '.data.events[0].type' "$dir/out")" session_created
call 0 version
call 0 doctor
is "$(jq -r '[.data.checks[] | select(.result == "fail")] | length' "$dir/out")" 0
call 0 rm one
is "$(jq -c .data.removed "$dir/out")" '["one"]'

# Each verb's failures.
for line in 'show one' 'diff one' 'reset one' 'rm one'; do
	# shellcheck disable=SC2086
	call 5 $line
	is "$(code)" NOT_FOUND "$line"
done
call 5 show 1234/x
status=0
as 1234 "$cli" show 0/one >"$dir/out" || status=$?
is "$status" 7
json_envelope "$dir/out"

# People see tables; programs, CI and those who ask see envelopes, also at a terminal.
"$cli" create tabled >/dev/null
at_terminal() {
	script -qec "$*" /dev/null </dev/null | tr -d '\r'
}
[[ $(at_terminal "TERM=xterm $cli ls") == *SESSION*tabled* ]] || fail 'a table'
[[ $(at_terminal "TERM=xterm $cli ls") == *$'\e'* ]] || fail 'colour'
[[ $(at_terminal "TERM=xterm NO_COLOR=1 $cli ls") != *$'\e'* ]] || fail 'NO_COLOR'
[[ $("$cli" ls -o table) != *$'\e'* ]] || fail 'colour in a pipe'
for command in "CI=true $cli ls" "$cli ls --json" "$cli ls -o json" "$cli --json ls"; do
	at_terminal "$command" >"$dir/out"
	json_envelope "$dir/out"
done
status=0
"$cli" show nobody -o table >"$dir/out" 2>"$dir/err" || status=$?
is "$status" 5
is "$(cat "$dir/out")" ''
[[ $(cat "$dir/err") == 'sessionfs: '* ]] || fail "$(cat "$dir/err")"
for verb in ls status locks events doctor version 'show tabled' 'diff tabled'; do
	# shellcheck disable=SC2086
	"$cli" $verb -o table >"$dir/out" 2>"$dir/err"
	[[ -s $dir/out && ! -s $dir/err ]] || fail "$verb"
done
# What it suggests leads to the instance that was asked, and says plainly what is not there.
hint="--mountpoint $mnt"
at=(--mountpoint "$mnt")
[[ $(SESSIONFS_MOUNT='' "$cli" create tabled "${at[@]}" -o table) == *"sessionfs run $hint --session tabled -- COMMAND" ]] || fail 'create'
[[ $("$cli" create tabled -o table) == *"sessionfs run --session tabled -- COMMAND" ]] || fail 'create'
is "$({ SESSIONFS_MOUNT='' "$cli" show nobody "${at[@]}" || true; } | jq -r .error.suggestion)" "List the sessions: sessionfs ls $hint"
said=$(SESSIONFS_MOUNT='' "$cli" run "${at[@]}" -- touch "$share/kept" 2>&1)
[[ $said == *"see it: sessionfs diff $hint s-"*"drop it: sessionfs rm $hint s-"* ]] || fail "$said"
is "$("$cli" run --report - --session tabled -- echo told | jq -R -r 'fromjson? | .ok, .data.exit_status' | xargs)" 'true 0' 'the report on stdout'
for verb in locks wait; do
	call 2 $verb /nowhere/x.lock
	is "$(jq -r .error.message "$dir/out")" '/nowhere/x.lock lies in no share' "$verb"
done
(($(at_terminal "stty cols 60; TERM=xterm NO_COLOR=1 $cli ls" | wc -L) <= 60)) || fail 'a line longer than the terminal'
# A name in a view may hold anything; the terminal does not get it.
touch "$mnt/sessions/0/tabled$share/"$'bad\e[31m\n'
[[ $("$cli" diff tabled -o table) != *$'\e'* ]] || fail 'an escape sequence'

# A full disk is noticed.
status=0
"$cli" ls >/dev/full 2>"$dir/err" || status=$?
is "$status" 1
[[ $(cat "$dir/err") == *'cannot write to stdout'* ]] || fail "$(cat "$dir/err")"
mount_stop
