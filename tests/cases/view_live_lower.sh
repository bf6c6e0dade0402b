#!/bin/bash
# What others do to the lower is seen within a second, through whatever the view already holds.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# SPEC: 1 s; the rest is for a busy machine.
seen=4

# reads FILE TEXT
reads() {
	[[ $(cat "$1" 2>/dev/null) == "$2" ]]
}

# lists DIRECTORY NAME...: these and no others.
lists() {
	local dir=$1

	shift
	[[ $(ls -A "$dir") == "$(printf '%s\n' "$@")" ]]
}

gone() {
	[[ ! -e $1 ]]
}

body() {
	mkdir -p "$share"/{plain,touched,replaced/sub,removed}
	echo 1 >"$share/plain/file"
	echo 1 >"$share/touched/file"
	echo 1 >"$share/replaced/file"
	mount_start
	cd "$(session_make s1)"

	# In a directory of the lower alone, and in one that is in both layers.
	echo private >touched/private
	for dir_name in plain touched; do
		gone $dir_name/new # a look-up that may be remembered
		is "$(cat $dir_name/file)" 1
		echo new >"$share/$dir_name/new"
		echo longer >"$share/$dir_name/file"
		within $seen reads $dir_name/new new
		within $seen reads $dir_name/file longer
		echo other >"$share/other"
		mv "$share/other" "$share/$dir_name/file"
		within $seen reads $dir_name/file other
		chmod 711 "$share/$dir_name/file"
		within $seen test -x $dir_name/file
		rm "$share/$dir_name/new"
		within $seen gone $dir_name/new
	done
	within $seen lists plain file
	within $seen lists touched file private

	# What is open is read as it becomes.
	exec 3<plain/file
	read -r line <&3
	is "$line" other
	echo appended >>"$share/plain/file"
	within $seen grep -q appended plain/file
	read -r line <&3
	is "$line" appended
	exec 3<&-

	# What the view holds is its own: not even the lower's removal is seen.
	echo mine >>plain/file
	echo theirs >"$share/plain/file"
	rm "$share/touched/file"
	within $seen lists touched private
	is "$(cat plain/file)" $'other\nappended\nmine'
	rm plain/file
	rm "$share/plain/file"
	echo again >"$share/plain/file"
	within $seen lists plain
	gone plain/file || fail "what was removed came back"

	# Another directory under the name of one that the view holds too.
	echo private >replaced/private
	is "$(cat replaced/file)" 1
	mv "$share/replaced" "$share/moved_away"
	mkdir "$share/replaced"
	echo 2 >"$share/replaced/second"
	within $seen lists replaced private second
	is "$(cat replaced/second)" 2
	within $seen gone replaced/file
	rm -r "$share/replaced"
	within $seen lists replaced private
	mkdir "$share/replaced"
	echo 3 >"$share/replaced/third"
	within $seen lists replaced private third

	# A directory that goes, becomes a file, and comes back.
	ls removed >/dev/null
	rmdir "$share/removed"
	within $seen gone removed
	echo file >"$share/removed"
	within $seen reads removed file
	rm "$share/removed"
	mkdir "$share/removed"
	within $seen test -d removed

	cd /
	mount_stop
}

both_ways body
