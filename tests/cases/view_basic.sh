#!/bin/bash
# What programs do to files in a view, over both layers. The lower stays as it is, byte by byte.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

make_lower() {
	cd "$share"
	mkdir -p plain deep/er/est full moved/inner gone opaque/sub swap_dir
	echo lower >plain/file
	echo two >plain/other
	ln plain/other plain/linked
	head -c 300000 /dev/urandom >plain/big
	truncate -s 8M plain/holes
	echo end >>plain/holes
	ln -s file plain/link
	mkfifo plain/fifo
	echo x >full/x
	echo inner >moved/inner/file
	echo opaque >opaque/file
	echo sub >opaque/sub/file
	echo swapped >swap_file
	echo in >swap_dir/in
	printf '#!/bin/sh\necho ran\n' >plain/program
	chmod 755 plain/program
	chmod 2775 deep
	chown 12:34 plain/other
	touch -d '2001-02-03 04:05:06.789' plain/file plain/big
	setfattr -n user.colour -v blue plain/file
	cd /
}

looks() {
	is "$(cat plain/file)" lower
	is "$(readlink plain/link)" file
	is "$(cat plain/link)" lower
	is "$(stat -c '%F %a %u:%g %s %Y' plain/file)" "$(stat -c '%F %a %u:%g %s %Y' "$share/plain/file")"
	is "$(stat -c '%u:%g %h' plain/other)" "12:34 2"
	is "$(stat -c %a deep)" 2775
	is "$(getfattr -n user.colour --only-values plain/file)" blue
	is "$(plain/program)" ran
	is "$(ls)" "$(ls "$share")"
	is "$(find . | sort)" "$(cd "$share" && find . | sort)"
	cmp plain/big "$share/plain/big"
	refuse "No such file" cat plain/nothing
	refuse "Not a directory" cat plain/file/x
	refuse "File name too long" ls "$(printf 'n%.0s' {1..256})"
	is "$(stat -f -c %l .)" 255
	# shellcheck disable=SC2012 # what ls itself reads is meant
	is "$(ls -a plain | head -n 2 | xargs)" ". .."
}

copies_up() {
	local ino

	ino=$(stat -c %i plain/file)
	echo more >>plain/file
	is "$(cat plain/file)" $'lower\nmore'
	is "$(stat -c %i plain/file)" "$ino" "the number after copy-up"
	is "$(getfattr -n user.colour --only-values plain/file)" blue
	is "$(stat -c %a plain)" 755
	# Nothing has come or gone in the directories.
	is "$(stat -c %y . plain)" "$(stat -c %y "$share" "$share/plain")"
	echo short >plain/big
	is "$(cat plain/big)" short
	printf X | dd of=plain/holes bs=1 seek=4000000 conv=notrunc status=none
	is "$(stat -c %s plain/holes)" "$(stat -c %s "$share/plain/holes")"
	is "$(tail -c 4 plain/holes)" end
	(($(stat -c %b plain/holes) < 2048)) || fail "the holes were filled"
	# Only the name that was written to: the others still show the lower's.
	stat plain/linked plain/other plain/linked >/dev/null
	echo three >>plain/other
	is "$(cat plain/other)" $'two\nthree'
	is "$(cat plain/linked)" two
	refuse three diff plain/other plain/linked
	sleep 1.1 # the time for which the kernel may keep a name of the lower
	is "$(cat plain/other)" $'two\nthree'
	is "$(cat plain/linked)" two
	refuse three diff plain/other plain/linked
}

changes_attributes() {
	ino=$(stat -c %i plain/program)
	chmod 700 plain/program
	is "$(stat -c %a plain/program)" 700
	chown 7:8 plain/program
	is "$(stat -c %u:%g plain/program)" 7:8
	is "$(stat -c %i plain/program)" "$ino"
	touch -d '2010-01-02 03:04:05' plain/program
	is "$(stat -c %y plain/program | cut -c 1-19)" "$(date -d '2010-01-02 03:04:05' '+%F %T')"
	chown -h 7:8 plain/link
	is "$(stat -c '%u:%g %N' plain/link)" "7:8 'plain/link' -> 'file'"
	chmod 700 deep/er
	is "$(stat -c %a deep/er) $(ls deep/er)" "700 est"
	truncate -s 3 full/x
	is "$(stat -c %s full/x)" 3
	setfattr -n user.colour -v red plain/file
	is "$(getfattr -n user.colour --only-values plain/file)" red
	setfattr -x user.colour plain/file
	refuse "No such attribute" getfattr -n user.colour plain/file
	setfattr -n trusted.overlay.opaque -v y plain
	[[ -e plain/file ]] || fail "a forged attribute hides the lower"
	setfattr -x trusted.overlay.opaque plain
	is "$(getfattr -d -m - plain/file)" ""
	setfacl -m u:1234:r plain/program
	[[ $(getfacl -cp plain/program) == *user:1234:r--* ]] || fail "the ACL is lost"
}

makes() {
	echo new >deep/er/est/new
	is "$(cat deep/er/est/new)" new
	mkdir -p made/a/b
	is "$(ls -A made/a/b)" ""
	mkfifo made/fifo
	mknod made/null c 1 3
	is "$(stat -c %t:%T made/null)" 1:3
	"$python" -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' made/socket
	ln -s /nowhere made/link
	is "$(readlink made/link)" /nowhere
	is "$(stat -c %F made/fifo made/null made/socket made/link | xargs)" \
		"fifo character special file socket symbolic link"
	refuse "not permitted" mknod made/whiteout c 0 0
	absent made/whiteout
	refuse "File exists" mkdir plain
	refuse "File exists" ln -s x plain/link
	ln made/fifo made/fifo2
	ln plain/program made/program
	is "$(stat -c %h plain/program) $(stat -c %i plain/program)" "2 $(stat -c %i made/program)"
	echo "echo again" >>made/program
	is "$(plain/program)" $'ran\nagain'
	rm plain/program
	is "$(made/program) $(stat -c %h made/program)" $'ran\nagain 1'
}

removes() {
	rm full/x
	absent full/x
	is "$(ls full)" ""
	rmdir full
	absent full
	mkdir full
	is "$(ls -A full)" ""
	echo again >full/x
	is "$(cat full/x)" again
	refuse "Directory not empty" rmdir full
	refuse "Directory not empty" rmdir opaque
	refuse "Is a directory" unlink opaque
	refuse "Not a directory" rmdir plain/file
	rm -r opaque
	mkdir opaque
	is "$(ls -A opaque)" ""
	mkdir opaque/sub
	is "$(ls -A opaque/sub)" ""
	rm -r gone
	absent gone
	echo file >gone
	is "$(cat gone)" file
	rm plain/link
	ln -s other plain/link
	is "$(readlink plain/link)" other
}

renames() {
	echo content >made/file
	mv made/file made/renamed
	is "$(cat made/renamed)" content
	absent made/file
	mv moved/inner/file moved/inner/up # a file of the lower
	is "$(cat moved/inner/up)" inner
	absent moved/inner/file
	mv moved made/moved # a directory of the lower
	is "$(cat made/moved/inner/up)" inner
	absent moved made/moved/inner/file
	mkdir moved
	is "$(ls -A moved)" ""
	mv -T made/moved moved # over an empty directory, back to where the lower has its own
	is "$(find moved | sort | xargs)" "moved moved/inner moved/inner/up"
	mv deep/er made/er
	is "$(cat made/er/est/new)" new
	is "$(ls deep)" ""
	"$python" - <<-'PYTHON'
		import ctypes, os
		libc = ctypes.CDLL(None, use_errno=True)
		def rename(old, new, flags):
		    if libc.renameat2(-100, old.encode(), -100, new.encode(), flags):
		        return os.strerror(ctypes.get_errno())
		assert rename("swap_file", "swap_dir", 2) is None
		assert open("swap_dir").read() == "swapped\n" and os.listdir("swap_file") == ["in"]
		assert rename("swap_file", "swap_dir", 1) == "File exists"
		assert rename("swap_file", "nowhere", 2) == "No such file or directory"
		assert rename("swap_dir", "swap_once", 1) is None
		try:
		    os.rename("made", "made/er/below")
		    assert False, "moved into itself"
		except OSError as e:
		    assert e.strerror == "Invalid argument"
	PYTHON
	is "$(cat swap_once swap_file/in | xargs)" "swapped in"
	refuse "Directory not empty" mv -T made moved
	refuse "cannot overwrite" mv -T made swap_once
}

keeps_open_files() {
	"$python" - <<-'PYTHON'
		import mmap, os
		fd = os.open("made/open", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o640)
		os.write(fd, b"a" * 8192)
		os.fsync(fd)
		os.fdatasync(fd)
		m = mmap.mmap(fd, 8192)
		m[0:5] = b"HELLO"
		m.flush()
		assert os.pread(fd, 6, 0) == b"HELLOa"
		with open("made/open", "rb") as f:
		    assert f.read(6) == b"HELLOa"
		os.pwrite(fd, b"x", 4096)
		assert m[4096:4097] == b"x", "the map does not show what was written"
		os.unlink("made/open")
		assert os.fstat(fd).st_nlink == 0
		os.pwrite(fd, b"still", 0)
		assert os.pread(fd, 5, 0) == b"still" and m[0:5] == b"still"
		os.ftruncate(fd, 10)
		assert os.fstat(fd).st_size == 10
		os.fchmod(fd, 0o600)
		os.close(fd)
		d = os.open("made", os.O_RDONLY | os.O_DIRECTORY)
		os.fsync(d)
		os.posix_fallocate(os.open("made/allocated", os.O_RDWR | os.O_CREAT), 0, 100000)
		assert os.stat("made/allocated").st_size == 100000
	PYTHON
}

keeps_names() {
	local name

	name=$(printf 'é%.0s' {1..127})
	echo long >"made/$name"
	is "$(cat "made/$name")" long
	mv "made/$name" "made/b$name"
	echo bytes >$'made/\xff\xfe not utf-8\n'
	is "$(cat $'made/\xff\xfe not utf-8\n')" bytes
	rm "made/b$name" $'made/\xff\xfe not utf-8\n'
	(
		cd made
		seq 1 3000 | xargs touch
		is "$(find . -name '[0-9]*' | wc -l)" 3000
		seq 1 3000 | xargs rm
	)
}

body() {
	local before v step

	make_lower
	before=$(snapshot "$share")
	mount_start
	v=$(session_make s1)
	cd "$v"
	is "$(status passthrough)" "$([[ ${way[*]} ]] && echo false || echo true)"
	for step in looks copies_up changes_attributes makes removes renames keeps_open_files keeps_names; do
		"$step"
	done
	cd /
	is "$(snapshot "$share")" "$before" "the lower"
	is "$(find "$store" -regex '.*[/]work/.+')" "" "what lies in work"
	mount_stop
	is "$(snapshot "$share")" "$before" "the lower"
}

both_ways body
