#!/bin/bash
# Sessions belong to users: the same id is another session for each, nobody gets into those of another,
# and no name that was only looked up makes one.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

alice=12001
bob=12002

body() {
	local a b name

	chmod 1777 "$share"
	echo lower >"$share/file"
	chmod 666 "$share/file"
	mount_start
	a=$(session_make same $alice)
	b=$(session_make same $bob)
	as $alice sh -c "echo alice >$a/file; echo private >$a/own; mkdir $a/dir"
	as $bob sh -c "echo bob >$b/file"
	is "$(as $alice cat "$a/file") $(as $bob cat "$b/file") $(cat "$share/file")" "alice bob lower"
	is "$(stat -c '%a %u' "$mnt/sessions/$alice" "$mnt/sessions/$bob" | xargs)" "700 $alice 700 $bob"
	is "$(as $bob ls "$b")" file

	# From one to the other: by path, by what is below, by the store, by a link, by a descriptor.
	refuse "Permission denied" as $bob ls "$mnt/sessions/$alice"
	refuse "Permission denied" as $bob ls "$mnt/sessions/$alice/same"
	refuse "Permission denied" as $bob cat "$a/file"
	refuse "Permission denied" as $bob sh -c "echo x >$a/file"
	refuse "Permission denied" as $bob touch "$a/dir/x"
	refuse "Permission denied" as $bob ls "$b/../../../../../../../../../../$a"
	refuse "Permission denied" as $bob ls "$store/sessions"
	as $bob ln -s "$a/file" "$b/escape"
	refuse "Permission denied" as $bob cat "$b/escape"
	as $bob ln -s "$store/sessions" "$b/store"
	refuse "Permission denied" as $bob ls "$b/store/"
	refuse "Permission denied" as $bob ln "$a/file" "$b/hard"
	refuse "" as $bob mv "$a/own" "$b/own"
	is "$(as $bob ls -m "$mnt/sessions")" "$bob"
	[[ $(as $bob cat "$mnt/sessions.json") != *"\"uid\": $alice"* ]] || fail "alice's sessions show"
	refuse "PERMISSION_DENIED" as $bob "$cli" show "$alice/same"
	refuse "PERMISSION_DENIED" as $bob "$cli" rm "$alice/same"
	# A link from one session into another is none, also of one user: copies would be one file.
	a2=$(session_make other $alice)
	refuse "ross-device" as $alice ln "$a/own" "$a2/own"
	is "$(cd "$a2" && as $alice sh -c 'readlink -f .')" "$a2"

	# Root enters each.
	is "$(cat "$a/own")" private
	is "$("$cli" show "$alice/same" | jq -r .data.session)" same

	# What only was looked up is not there.
	before=$(status sessions)
	for name in ../x x/y 'a b' '%2e' .hidden -x '' . "$(printf 'i%.0s' {1..65})" fresh; do
		absent "$mnt/sessions/0/$name/nothing" "$mnt/sessions/$alice/$name/$share/nothing"
	done
	absent "$mnt/sessions/0/fresh" "$mnt/sessions/77/x" "$mnt/sessions/+0/x" "$mnt/sessions/00/x" \
		"$mnt/sessions/-1/x" "$mnt/sessions/4294967296/x"
	refuse "" mkdir "$mnt/sessions/0/made"
	refuse "" touch "$mnt/sessions/0/made"
	is "$(status sessions)" "$before"
	for name in ../x 'a b' '%2e' .hidden "$(printf 'i%.0s' {1..65})" x/y; do
		refuse "VALIDATION_ERROR" "$cli" create "$name"
	done
	is "$(status sessions)" "$before"
	mount_stop
	is "$(find "$store/sessions" -mindepth 2 -maxdepth 2 | wc -l)" "$before"
}

both_ways body
