#!/bin/bash
# The part of a disk that is reserved for root is not for an ordinary user's session, however he writes.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

disk=$dir/disk
trap 'umount -l "$disk" 2>/dev/null || true; on_exit' EXIT
user=12001

# Free blocks that only root gets, and all that are free.
reserved() {
	stat -f -c '%f %a' "$disk" | { read -r free available && echo $((free - available)); }
}

# What was freed is there to be taken only when nobody has it open any more and the journal has it.
freed() {
	sync -f "$disk"
	(($(stat -f -c %a "$disk") > reserve))
}

check() {
	((reserve - $(reserved) < reserve / 10)) ||
		fail "$1 took $((reserve - $(reserved))) of the $reserve blocks that are reserved"
}

fills() {
	local what=$1

	shift
	if as $user "$@" 2>"$dir/said"; then
		fail "all fits: $what"
	fi
	[[ $(cat "$dir/said") == *"No space left"* ]] || fail "$what: $(cat "$dir/said")"
	(($(stat -f -c %a "$disk") < reserve / 10)) || fail "it was not full: $what"
	check "$what"
}

body() {
	local v reserve

	rm -rf "${disk:?}"/*
	store=$disk/store
	reserve=$(reserved)
	((reserve > 1000)) || fail "only $reserve blocks are reserved"
	echo given >"$share/given"
	chmod 666 "$share/given"
	chmod 1777 "$share"
	mount_start
	v=$(session_make s1 $user)
	fills write dd if=/dev/zero of="$v/a" bs=64K count=1000 status=none
	fills append dd if=/dev/zero of="$v/given" bs=4K count=1000 oflag=append conv=notrunc status=none
	as $user rm "$v/a"
	within 5 freed
	fills fallocate fallocate -l 60M "$v/a"
	as $user rm -f "$v/a"
	within 5 freed
	# Root has made it, and has it open.
	exec 3>"$v/roots"
	chmod 666 "$v/roots"
	as $user dd if=/dev/zero of="$v/b" bs=64K count=1000 status=none 2>/dev/null || true
	fills "write to what root has open" dd if=/dev/zero of="$v/roots" bs=4K count=1000 oflag=append conv=notrunc status=none
	exec 3>&-
	as $user rm "$v/b"
	within 5 freed
	as $user "$python" - "$v" <<-'E2'
		import mmap, os, sys
		os.chdir(sys.argv[1])
		# A sparse copy of holes takes nothing; copying data stops where it must.
		fd = os.open("source", os.O_RDWR | os.O_CREAT)
		os.write(fd, b"x" * (1 << 20))
		out = os.open("copies", os.O_WRONLY | os.O_CREAT)
		try:
		    for n in range(100):
		        os.copy_file_range(fd, out, 1 << 20, 0, n << 20)
		    raise SystemExit("all fits: copy_file_range")
		except OSError as e:
		    assert e.errno == 28, e
	E2
	check copy_file_range
	mount_stop
}

dd if=/dev/zero of="$dir/image" bs=1M count=32 status=none
mkfs.ext4 -q -m 30 "$dir/image" 2>/dev/null || skip "no mkfs.ext4"
mkdir "$disk"
mount -o loop "$dir/image" "$disk" 2>/dev/null || skip "no loop devices"
both_ways body
umount "$disk"
