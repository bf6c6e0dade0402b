#!/bin/bash
# The three modes of a share: what a view shows at first, and where its changes go.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

lower() {
	rm -rf "$store" "$share"
	mkdir -p "$share/dir/sub"
	echo lower >"$share/file"
	echo deep >"$share/dir/sub/deep"
}

overlay() {
	lower
	share_options=mode=overlay
	mount_start
	one=$(session_make one)
	two=$(session_make two)
	is "$(cat "$one/file")" lower
	echo one >"$one/file"
	echo two >"$two/dir/sub/two"
	rm "$one/dir/sub/deep"
	is "$(cat "$one/file") $(cat "$two/file")" "one lower"
	is "$(ls "$one/dir/sub"):$(ls -m "$two/dir/sub")" ":deep, two"
	is "$(cat "$share/file") $(ls "$share/dir/sub")" "lower deep"
	mount_stop
}

empty() {
	lower
	share_options=mode=empty
	mount_start
	one=$(session_make one)
	two=$(session_make two)
	is "$(ls -A "$one")" ""
	absent "$one/file" "$one/dir"
	echo one >"$one/file"
	mkdir "$one/dir"
	is "$(ls -A "$one/dir")" ""
	echo in >"$one/dir/in"
	is "$(stat -c %a "$one")" "$(stat -c %a "$share")"
	is "$(ls -A "$two")" ""
	mv "$one/dir" "$one/moved"
	is "$(ls -A "$one/moved")" in
	absent "$one/dir"
	rm -r "$one/moved" "$one/file"
	is "$(ls -A "$one")" ""
	is "$(cat "$share/file") $(ls "$share/dir/sub")" "lower deep"
	mount_stop
	is "$(find "$(upper_of one)" -mindepth 1)" "" "whiteouts of nothing"
}

direct() {
	lower
	share_options=mode=direct
	mount_start
	one=$(session_make one)
	two=$(session_make two)
	is "$(cat "$one/file")" lower
	echo one >"$one/file"
	is "$(cat "$share/file") $(cat "$two/file")" "one one"
	echo by hand >"$share/file"
	is "$(cat "$one/file")" "by hand"
	rm "$two/dir/sub/deep"
	absent "$one/dir/sub/deep" "$share/dir/sub/deep"
	mkdir "$one/made"
	mv "$one/made" "$one/dir/moved"
	is "$(ls -m "$two/dir")" "moved, sub"
	ln "$one/file" "$one/linked"
	is "$(stat -c %h "$share/file" "$two/linked" | xargs)" "2 2"
	is "$(stat -c %i "$two/file")" "$(stat -c %i "$two/linked")"
	chmod 600 "$two/file"
	is "$(stat -c %a "$share/file" "$one/linked" | xargs)" "600 600"
	# Both have it open at once, and a map.
	"$python" - "$one/file" "$two/file" <<-'PYTHON'
		import mmap, os, sys
		a, b = (os.open(path, os.O_RDWR) for path in sys.argv[1:])
		os.pwrite(a, b"AAAA", 0)
		assert os.pread(b, 4, 0) == b"AAAA"
		os.pwrite(b, b"BB", 1)
		assert os.pread(a, 4, 0) == b"ABBA"
		m = mmap.mmap(a, 4)
		assert m[:] == b"ABBA"
		m[0:1] = b"M"
		m.flush()
		assert os.pread(b, 4, 0) == b"MBBA"
		os.ftruncate(b, 2)
		assert os.fstat(a).st_size == 2
	PYTHON
	is "$(cat "$share/file")" MB
	is "$(find "$store/sessions" -path '*/upper/*')" "" "what lies in an upper"
	mount_stop
}

both_ways overlay
both_ways empty
both_ways direct
