#!/bin/bash
# An upper is one of the kernel's overlayfs: mounted by that, over the same lower, it shows the tree
# that the view showed.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

overlay=$dir/overlay
trap 'umount -l "$overlay" 2>/dev/null || true; on_exit' EXIT

change() {
	echo new >new
	echo more >>kept/file
	rm kept/gone
	chmod 700 kept/mode
	mkdir made made/sub
	echo made >made/sub/file
	rm -r removed
	rm -r again && mkdir again && echo other >again/other
	mv renamed to_here
	mv to_here/sub to_here/sub2
	echo in >to_here/sub2/in
	mkdir -p deep/er && mv deeper deep/er/moved
	mv deep/er/moved/file deep/er/moved/file2
	rm -r emptied/* && mkdir new_dir && mv -T new_dir emptied
	mv link_to link_moved
	ln kept/file kept/linked
	mkfifo pipe
	ln -s anywhere link_new
	setfattr -n user.x -v y kept/file
	rm file_to_dir && mkdir file_to_dir && echo x >file_to_dir/x
	rm -r dir_to_file && echo x >dir_to_file
	mv swap_a swap_tmp && mv swap_b swap_a && mv swap_tmp swap_b
	mv round/trip round/tripped && mv round/tripped round/trip
	mv big1 deep/big1 && ln deep/big1 big_link
	chmod 600 big2
	mv big3 made/big3 && mv made made_again && echo more >>made_again/big3
	echo more >>big4
	: >big5
}

body() {
	local v upper n

	mkdir -p "$overlay"
	cd "$share"
	mkdir -p kept removed/a/b again/old renamed/sub deeper emptied/x dir_to_file/y swap_{a,b} round/trip/in
	touch kept/{file,gone,mode} removed/a/b/c again/old/f renamed/sub/f deeper/file file_to_dir
	touch swap_a/was_a swap_b/was_b round/trip/in/f
	ln -s target link_to
	for n in {1..5}; do
		head -c 300000 /dev/urandom >"big$n"
	done
	cd /
	mount_start
	v=$(session_make s1)
	cd "$v"
	change
	content . >"$dir/view"
	cd /
	mount_stop
	upper=$(upper_of s1)
	mount -t overlay overlay -o "redirect_dir=on,metacopy=on,lowerdir=$share,upperdir=$upper,workdir=${upper%upper}work" \
		"$overlay" || skip "no overlayfs here"
	content "$overlay" >"$dir/overlayfs"
	umount "$overlay"
	same "$dir/view" "$dir/overlayfs" "the view and the overlayfs over its upper"
	# Else two empty trees would do.
	(($(wc -l <"$dir/view") > 40)) || fail "too little was compared"
}

both_ways body
