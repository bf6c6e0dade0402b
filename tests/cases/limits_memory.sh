#!/bin/bash
# The worker's memory grows with what the kernel refers to, and shrinks when that forgets.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

files=60000

# What the worker holds, its part of the arena included, in KiB.
memory() {
	awk '/^(Private_Clean|Private_Dirty|Pss_Shmem):/ { sum += $2 } END { print sum }' "/proc/$(worker_pid)/smaps_rollup"
}

# The arena's pages are in memory whether they are mapped or not.
arena() {
	local fd

	for fd in "/proc/$supervisor/map_files"/*; do
		case $(readlink "$fd") in
		/memfd:sessionfs-arena*)
			echo $(($(stat -Lc %b "$fd") / 2))
			return
			;;
		esac
	done
}

# Looks at all names, and notes what that takes. Others may have the kernel forget meanwhile.
filled() {
	find "$v" -printf '%s\n' | wc -l >/dev/null
	full=$(memory) arena_full=$(arena)
	(($(status nodes) > files && arena_full - arena_before > files / 4))
}

# Whether a fifth of the arena's growth is left at most, and a quarter of all: threads that were busy a moment ago
# keep a buffer of up to a mebibyte each. A sanitizer keeps what the worker frees itself.
forgotten() {
	(($(status nodes) < 1000 && $(arena) < arena_before + (arena_full - arena_before) / 5)) || return 1
	[[ ${SESSIONFS_TREE-} == asan ]] || (($(memory) < before + (full - before) / 4))
}

# Time and again, for what is in use at the moment stays.
drop_caches() {
	for _ in {1..20}; do
		echo 2 >/proc/sys/vm/drop_caches
		sleep 0.5
		! forgotten || return 0
	done
	fail "$(status nodes) nodes; $(memory) KiB of $full; arena $(arena) KiB of $arena_full"
}

# Where to make names takes no time.
mount -t tmpfs tmpfs "$share"
case_cleanup() {
	umount "$share" 2>/dev/null || umount -l "$share" 2>/dev/null
}
mount_start
v=$(session_make s1)
# Names in more directories than one, for these are kept open.
"$python" - "$share" $files <<'END'
import os, sys
share, count = sys.argv[1], int(sys.argv[2])
for n in range(count):
    if n % 1000 == 0:
        os.mkdir(f"{share}/d{n // 1000}")
    os.symlink("x", f"{share}/d{n // 1000}/a name that is longer than what a record holds {n}")
END
find "$v/d0" | wc -l >/dev/null
before=$(memory) arena_before=$(arena)
within 20 filled
drop_caches
echo "worker $before KiB, with $files names $full, after $(memory); arena $arena_before, $arena_full, $(arena)"

# And it serves them again, by other numbers.
is "$(find "$v" -type l | wc -l)" $files
kill -9 "$(worker_pid)"
is "$(find "$v" -type l | wc -l)" $files
mount_stop
