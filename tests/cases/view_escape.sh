#!/bin/bash
# What an ordinary user tries in order to get out of his session, or to more than is his: forged
# whiteouts and marks, symlinks that change under him, hard links, set-id files, sticky directories,
# user namespaces, file handles. The lower and what lies beside the share stay as they are.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

mallory=12003
capability=0x0100000200200000000000000000000000000000 # cap_net_raw+ep

make_lower() {
	local name

	mkdir -p "$dir/outside" "$share/merged" "$share/own/sub"
	echo secret >"$dir/outside/secret"
	chmod 600 "$dir/outside/secret"
	chmod 711 "$dir/outside"
	chmod 1777 "$share"
	echo lower >"$share/merged/file"
	chmod 777 "$share/merged"
	echo root >"$share/roots"
	chmod 644 "$share/roots"
	echo hidden >"$share/closed"
	chmod 600 "$share/closed"
	echo mine >"$share/own/sub/secret"
	chown -R $mallory:$mallory "$share/own"
	for name in append truncated cut allocated linked; do
		cp /bin/true "$share/suid_$name"
		chmod 6777 "$share/suid_$name"
	done
	cp /bin/true "$share/capable"
	chmod 777 "$share/capable"
	setfattr -n security.capability -v $capability "$share/capable"
}

# Neither device nor attribute hides a name of the lower, in no namespace.
forged_marks() {
	refuse "not permitted" as $mallory mknod "$v/merged/forged" c 0 0
	refuse "not permitted" as $mallory unshare --user --map-root-user mknod "$v/merged/forged" c 0 0
	refuse "not permitted" as $mallory "$cli" run --session m -- mknod "$share/merged/forged" c 0 0
	as $mallory touch "$v/merged/mine"
	for name in trusted.overlay.opaque trusted.overlay.whiteout trusted.sessionfs.base; do
		refuse "" as $mallory setfattr -n $name -v y "$v/merged"
		refuse "" as $mallory setfattr -n $name -v y "$v/merged/mine"
	done
	# A user's own attributes mean nothing here.
	as $mallory mkdir "$v/merged/dir"
	as $mallory setfattr -n user.overlay.opaque -v y "$v/merged/dir"
	as $mallory setfattr -n user.overlay.redirect -v /../../outside "$v/merged/dir"
	as $mallory setfattr -n user.overlay.whiteout -v y "$v/merged/mine"
	is "$(as $mallory ls -A "$v/merged/dir")" ''
	is "$(as $mallory cat "$v/merged/file")" lower
	[[ -e $v/merged/mine ]] || fail "an attribute hides a file"
}

# A directory of the lower that becomes a symlink is followed by the program, with its rights, never
# by the daemon, with its own.
changed_symlinks() {
	is "$(as $mallory cat "$v/own/sub/secret")" mine
	as $mallory sh -c "mv '$share/own/sub' '$share/own/away' && ln -s '$dir/outside' '$share/own/sub'"
	for _ in {1..3}; do
		[[ $(as $mallory cat "$v/own/sub/secret" 2>/dev/null) != secret ]] || fail "read the secret"
		as $mallory chmod 777 "$v/own/sub/secret" 2>/dev/null || true
		as $mallory sh -c "echo x >>'$v/own/sub/secret'" 2>/dev/null || true
		as $mallory mv "$v/own/sub/secret" "$v/own/moved" 2>/dev/null || true
		sleep 0.5 # the time for which the old directory may be known is passed in these steps
	done
	is "$(stat -c '%a %u' "$dir/outside/secret") $(cat "$dir/outside/secret")" "600 0 secret"
	as $mallory ln -s "$dir/outside" "$v/link"
	refuse "Permission denied" as $mallory cat "$v/link/secret"
	refuse "Permission denied" as $mallory cat "$v/../../../../../../../../../../$dir/outside/secret"
}

files_of_others() {
	refuse "Permission denied" as $mallory cat "$v/closed"
	refuse "Permission denied" as $mallory sh -c "echo x >>'$v/roots'"
	refuse "not permitted" as $mallory rm -f "$v/roots"
	refuse "not permitted" as $mallory mv "$v/roots" "$v/taken"
	refuse "not permitted" as $mallory chmod 777 "$v/roots"
	refuse "not permitted" as $mallory chown $mallory "$v/roots"
	refuse "not permitted" as $mallory ln "$v/closed" "$v/merged/hard"
	refuse "not permitted" as $mallory ln "$v/closed" "$v/merged/hard.lock"
	refuse "not permitted" as $mallory setfattr -n security.capability -v $capability "$v/merged/mine"
	# With all capabilities of a user namespace, which are none over these files.
	refuse "Permission denied" as $mallory unshare --user --map-root-user cat "$v/closed"
	refuse "" as $mallory unshare --user --map-root-user chown 0:0 "$v/closed"
	refuse "Permission denied" as $mallory "$cli" run --session m -- cat "$share/closed"
	is "$(stat -c '%u %a' "$v/roots" "$v/closed" | xargs)" "0 644 0 600"
}

# Whoever may write to a set-id file of root's must not get a set-id file of his own making.
set_ids() {
	as $mallory sh -c "cat /bin/sh >>'$v/suid_append'"
	as $mallory sh -c "cat /bin/sh >'$v/suid_truncated'"
	as $mallory truncate -s 100 "$v/suid_cut"
	as $mallory fallocate -l 1M "$v/suid_allocated"
	for name in append truncated cut allocated; do
		is "$(stat -c '%u %a' "$v/suid_$name")" "0 777" "$name"
	done
	as $mallory sh -c "cat /bin/sh >>'$v/capable'"
	refuse "No such attribute" getfattr -n security.capability "$v/capable"
	# His own may be set-id, to himself.
	as $mallory cp /usr/bin/id "$v/merged/id"
	as $mallory chmod 6755 "$v/merged/id"
	is "$(stat -c '%u %a' "$v/merged/id")" "$mallory 6755"
	is "$("$v/merged/id" -u)" $mallory
}

handles() {
	refuse "not permitted" as $mallory "$SESSIONFS_PROGS/handle" open "$v/merged/file"
	is "$("$SESSIONFS_PROGS/handle" open "$v/merged/file")" lower "root opens by handle"
	# Numbers that the mount has not given out lead nowhere.
	"$SESSIONFS_PROGS/handle" forge "$v/merged/file"
}

body() {
	v=
	rm -rf "$dir/outside"
	make_lower
	content "$share" >"$dir/before"
	mount_start
	v=$(session_make m $mallory)
	forged_marks
	changed_symlinks
	files_of_others
	set_ids
	handles
	rm -f "$share/own/sub"
	mv "$share/own/away" "$share/own/sub"
	content "$share" >"$dir/after"
	same "$dir/before" "$dir/after" "the lower"
	mount_stop
}

both_ways body
