#!/bin/bash
# flock, POSIX and open file description locks exclude in a view as they do natively, over copy-up, renames and
# the loss of the name.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# make DIR: the files that try_locks is given.
make() {
	echo hello | tee "$1/given" "$1/given2" >"$1/given3"
	ln "$1/given3" "$1/given4"
}

# In a view everything is from the lower at first.
as_natively() {
	rm -rf "$dir/native"
	mkdir "$dir/native"
	make "$dir/native"
	(cd "$dir/native" && timeout 30 "$SESSIONFS_PROGS/try_locks") >"$dir/expected"
	make "$share"
	mount_start
	v=$(session_make s1)
	(cd "$v" && timeout 30 "$SESSIONFS_PROGS/try_locks") >"$dir/got" || fail "try_locks: $(tail -n 5 "$dir/got")"
	same "$dir/expected" "$dir/got" 'locks natively and in a view'
	mount_stop
}

both_ways as_natively
