#!/bin/bash
# Overlayfs over a view: one that has its upper in the view is refused, one that has its lowers there
# works. What describes the layers of such a one never changes what the view shows.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

overlay=$dir/overlay
trap 'umount -l "$overlay/merged" "$overlay" 2>/dev/null || true; on_exit' EXIT

# LOWERS: the merged directory is $overlay/merged.
overlay_mount() {
	rm -rf "${overlay:?}"/*
	mkdir "$overlay"/{upper,work,merged}
	mount -t overlay overlay -o "lowerdir=$1,upperdir=$overlay/upper,workdir=$overlay/work" "$overlay/merged"
}

refused_as_upper() {
	mkdir upper work merged
	refuse "" mount -t overlay overlay -o "lowerdir=$share,upperdir=$v/upper,workdir=$v/work" "$v/merged"
	# What the attempt has left can go.
	rm -r upper work merged
}

as_lowers() {
	mkdir -p one/dir two/dir
	echo 1 >one/dir/1
	echo 2 >two/dir/2
	overlay_mount "$v/one:$v/two"
	is "$(ls "$overlay/merged/dir")" $'1\n2'
	echo more >>"$overlay/merged/dir/1"
	rm "$overlay/merged/dir/2"
	is "$(ls "$overlay/merged/dir")" 1
	is "$(cat two/dir/2)" 2
	umount "$overlay/merged"
	setfattr -n trusted.overlay.opaque -v y one/dir
	overlay_mount "$v/one:$v/two"
	is "$(ls "$overlay/merged/dir")" 1 "over an opaque directory"
	umount "$overlay/merged"
}

# In the lower: dir/file, other/file. In the session: as much as can be.
forge() {
	touch dir/mine other/mine
	setfattr -n trusted.overlay.opaque -v y dir
	setfattr -n trusted.overlay.redirect -v /other dir
	setfattr -n trusted.overlay.whiteout -v y dir/mine
	setfattr -n trusted.overlay.metacopy dir/mine
	setfattr -n trusted.overlay.impure -v n other
	setfattr -n trusted.sessionfs.base -v nothing dir/mine
	setfattr -n user.overlay.opaque -v y dir
	setfattr -n user.overlay.whiteout -v y dir/mine
	refuse "Operation not permitted" mknod dir/file2 c 0 0
}

unharmed() {
	is "$(ls "$v/dir")" $'file\nmine'
	is "$(ls "$v/other")" $'file\nmine'
	is "$(cat "$v/dir/file")" dir
	is "$(stat -c %F "$v/dir/mine")" "regular empty file"
	is "$(getfattr -d -m overlay --absolute-names "$v/dir" | grep -c =)" 3
	is "$(getfattr -n trusted.overlay.redirect --only-values "$v/dir" 2>/dev/null)" /other
}

body() {
	mkdir -p "$share"/{dir,other} "$overlay"
	echo dir >"$share/dir/file"
	echo other >"$share/other/file"
	mount_start
	v=$(session_make s1)
	mount -t tmpfs tmpfs "$overlay"
	cd "$v"
	refused_as_upper
	as_lowers
	forge
	cd /
	unharmed
	mount_stop
	# Read from the disk anew.
	mount_start
	unharmed
	is "$(status worker_restarts)" 0
	mount_stop
	umount "$overlay"
}

both_ways body
