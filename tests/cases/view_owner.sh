#!/bin/bash
# What an ordinary user does in his view has the owner, group and mode that a local file system gives
# it, and he may no more than there.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

user=12001
shared_group=12099

make_tree() {
	cd "$1"
	mkdir -p setgid acl closed owned/below readable
	chmod 2777 setgid
	chgrp $shared_group setgid
	chmod 777 acl
	setfacl -d -m "u:$user:rwx,g::r-x,g:$shared_group:rw,o::-" acl
	echo secret >closed/secret
	chmod 700 closed
	echo text >readable/text
	chmod 644 readable/text
	echo mine >owned/mine
	chown -R $user:$user owned
	echo program >readable/setuid
	chmod 6777 readable/setuid
	install -m 777 -d sticky
	chmod 1777 sticky
	echo root >sticky/root
	echo set >sticky/world
	chmod 666 sticky/world
	cd /
}

# The steps of the user. Run in the view and beside it, they give the same.
cat >"$dir/steps.sh" <<'E2'
cd "$1"
umask 027
what() { stat -c '%n %F %a %u:%g' "$@"; }
say() { "$@" 2>&1 | sed 's/^[a-z.\/]*: //; s/line [0-9]*: //'; }
echo new >owned/new
mkdir owned/dir
mkfifo owned/fifo
ln -s x owned/link
what owned/*
umask 0
echo wide >owned/wide
what owned/wide
umask 077
(cd setgid && echo a >a && mkdir d && echo b >d/b && what a d d/b)
umask 022
(cd acl && echo a >a && mkdir d && echo b >d/b && what a d d/b && getfacl -c a d d/b)
(rm acl/a && echo again >acl/a && what acl/a && getfacl -c acl/a)
rmdir setgid/d 2>/dev/null || rm -r setgid/d
(mkdir setgid/d && what setgid/d)
say cat closed/secret
say ls closed
say touch closed/new
(echo x >readable/text) 2>/dev/null || echo "cannot write"
say rm readable/text
say chmod 777 readable/text
say chown 0 owned/mine
chgrp SHARED owned/mine && what owned/mine
say rm sticky/root
say mv sticky/root sticky/other
say touch sticky/mine && what sticky/mine
echo more >>sticky/world && cat sticky/world && what sticky/world
echo x >>readable/setuid && what readable/setuid
say setfattr -n trusted.x -v y owned/mine
say mknod owned/device c 1 3
say ln -s closed/secret owned/escape && say cat owned/escape
echo more >>owned/mine && what owned/mine
mv owned/below owned/moved && what owned/moved
E2
sed -i "s/SHARED/$shared_group/" "$dir/steps.sh"

steps() {
	groups=$shared_group as $user bash "$dir/steps.sh" "$1" | sed "s|$1||g"
}

body() {
	local v

	chmod 777 "$share"
	mkdir -p "$dir/native"
	make_tree "$share"
	make_tree "$dir/native"
	snapshot "$share" >"$dir/before"
	mount_start
	v=$(session_make s1 $user)
	steps "$dir/native" >"$dir/expected"
	(($(wc -l <"$dir/expected") > 50)) || fail "the steps did not run beside the mount"
	steps "$v" >"$dir/result"
	same "$dir/expected" "$dir/result" "what the user's steps gave"
	snapshot "$share" >"$dir/after"
	same "$dir/before" "$dir/after" "the lower"
	mount_stop
	rm -rf "$dir/native"
}

both_ways body
