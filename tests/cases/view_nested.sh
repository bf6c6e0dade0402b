#!/bin/bash
# File systems on and under a view: symlinks that lead back into the mount, a share on overlayfs, an
# overlayfs and a sandbox's root on a view, an instance that shares a view of another. Nothing hangs,
# and what is written through one is read through the other.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

trap 'unmount_all || true; on_exit' EXIT

inner=$dir/inner
unmount_all() {
	umount -l "$dir/over" 2>/dev/null || true
	if mountpoint -q "$inner/mnt"; then
		timeout 20 "$cli" umount "$inner/mnt" --force >/dev/null || umount -l "$inner/mnt"
	fi
	# Not while sessionfs shares it.
	[[ $supervisor ]] || umount -l "$share" 2>/dev/null || true
}

links_into_the_mount() {
	local v

	mkdir "$share/dir"
	echo lower >"$share/dir/file"
	ln -s "$mnt/sessions/0/links$share" "$share/back"
	ln -s "$mnt/tmp" "$share/magic"
	ln -s . "$share/self"
	mount_start
	v=$(session_make links)
	is "$(cat "$v/back/dir/file" "$v/back/back/back/self/dir/file" | xargs)" "lower lower"
	echo changed >"$v/back/dir/file"
	is "$(cat "$v/dir/file") $(cat "$share/dir/file")" "changed lower"
	mv "$v/back/dir/file" "$v/back/self/moved"
	is "$(cat "$v/moved")" changed
	is "$(find "$v" -name moved | wc -l)" 1
	is "$(find -L "$v/dir" "$v/back/dir" 2>&1 | wc -l)" 2
	rm -r "$v/back" "$v/dir"
	is "$(cat "$share/back/moved") $(ls "$share/dir")" "changed file"
	mount_stop
	rm -r "${share:?}"/*
}

share_on_overlayfs() {
	local v

	mkdir -p "$dir"/o/{low,up,work}
	mkdir "$dir/o/low/dir"
	echo below >"$dir/o/low/dir/file"
	mount -t overlay overlay -o "lowerdir=$dir/o/low,upperdir=$dir/o/up,workdir=$dir/o/work" "$share" ||
		skip "no overlayfs here"
	mount_start
	v=$(session_make over)
	is "$(cat "$v/dir/file")" below
	ino=$(stat -c %i "$v/dir/file")
	echo mine >>"$v/dir/file"
	is "$(xargs <"$v/dir/file") $(stat -c %i "$v/dir/file")" "below mine $ino"
	mv "$v/dir" "$v/moved"
	is "$(xargs <"$v/moved/file") $(cat "$share/dir/file")" "below mine below"
	echo later >"$share/dir/later"
	within 2 grep -q later "$v/moved/later"
	rm -r "$v/moved"
	is "$(ls -A "$v") $(ls -m "$share/dir")" " file, later"
	mount_stop
	umount "$share"
	rm -rf "$dir/o"
}

overlayfs_on_a_view() {
	local v

	mkdir -p "$dir/over" "$dir"/p/{up,work}
	echo lower >"$share/file"
	mount_start
	v=$(session_make lower)
	echo own >"$v/own"
	if mount -t overlay overlay -o "lowerdir=$v,upperdir=$dir/p/up,workdir=$dir/p/work" "$dir/over" 2>/dev/null; then
		is "$(cat "$dir/over/file" "$dir/over/own" | xargs)" "lower own"
		echo more >>"$dir/over/own"
		rm "$dir/over/file"
		is "$(xargs <"$dir/over/own") $(ls "$dir/over")" "own more own"
		is "$(cat "$v/own") $(cat "$v/file")" "own lower"
		umount "$dir/over"
	fi
	# With its upper in the view: it works, or is refused.
	mkdir "$v/up" "$v/work"
	if mount -t overlay overlay -o "lowerdir=$dir/p,upperdir=$v/up,workdir=$v/work" "$dir/over" 2>/dev/null; then
		if echo x >"$dir/over/x"; then
			is "$(cat "$dir/over/x") $(cat "$v/up/x")" "x x"
		fi
		umount "$dir/over"
	fi
	is "$(cat "$v/file")" lower
	bwrap --bind "$v" / --ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 \
		--symlink usr/bin /bin --dev /dev --proc /proc sh -c 'echo sandboxed >/made; cat /file'
	is "$(cat "$v/made")" sandboxed
	mount_stop
	rm -rf "$dir/p" "${share:?}"/*
}

an_instance_on_a_view() {
	local v w

	echo lower >"$share/file"
	mkdir -p "$inner"/{mnt,store}
	mount_start
	v=$(session_make outer)
	echo middle >"$v/middle"
	timeout 30 "$cli" mount "$inner/mnt" --store "$inner/store" --config "$dir/config.json" --share "$v" >/dev/null
	SESSIONFS_MOUNT=$inner/mnt "$cli" create t >/dev/null
	w=$inner/mnt/sessions/0/t$v
	is "$(cat "$w/file" "$w/middle" | xargs)" "lower middle"
	echo inner >>"$w/middle"
	rm "$w/file"
	echo new >"$w/new"
	is "$(xargs <"$w/middle") $(ls -m "$w")" "middle inner middle, new"
	is "$(cat "$v/middle") $(ls -m "$v")" "middle file, middle"
	timeout 30 "$cli" umount "$inner/mnt" >/dev/null
	mount_stop
	rm -rf "$inner" "${share:?}"/*
}

body() {
	links_into_the_mount
	share_on_overlayfs
	overlayfs_on_a_view
	an_instance_on_a_view
}

both_ways body
