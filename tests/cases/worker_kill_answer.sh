#!/bin/bash
# The worker is killed when it has done what it was asked for, and before it says so: the next one is asked
# again, and the program is told of no error.
# shellcheck source=tests/cases/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
type -P strace >/dev/null || skip "no strace"

cat >"$dir/once.py" <<'END'
import os, subprocess, sys, time

view, worker, operation = sys.argv[1:]
os.chdir(view)
# What the kernel looks at first it knows already.
os.stat(".")
os.stat("file")
os.stat("empty")
tracer = subprocess.Popen(["strace", "-qq", "-f", "-p", worker, "-o", "/dev/null", "-e", "trace=writev",
                           "-e", "inject=writev:signal=SIGKILL:when=1"], stdin=subprocess.DEVNULL)


def attached():
    for task in os.listdir(f"/proc/{worker}/task"):
        with open(f"/proc/{worker}/task/{task}/status") as status:
            if "TracerPid:\t0" in status.read():
                return False
    return True


while not attached():
    time.sleep(0.01)
if operation == "create":
    fd = os.open("new", os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o640)
    os.write(fd, b"text")
    assert os.pread(fd, 9, 0) == b"text"
else:
    {"unlink": lambda: os.unlink("file"), "rmdir": lambda: os.rmdir("empty"), "mkdir": lambda: os.mkdir("new"),
     "symlink": lambda: os.symlink("file", "new"), "mkfifo": lambda: os.mkfifo("new"),
     "link": lambda: os.link("file", "new"), "rename": lambda: os.rename("file", "new"),
     "over": lambda: os.rename("file", "other"), "move": lambda: os.rename("empty", "new"),
     "chmod": lambda: os.chmod("file", 0o600), "truncate": lambda: os.truncate("file", 1)}[operation]()
tracer.wait()
print(" ".join(sorted(os.listdir("."))))
END

# once OPERATION LIST: what the view holds afterwards.
once() {
	local before

	rm -rf "${v:?}"/*
	mkdir "$v/empty"
	echo file >"$v/file"
	echo other >"$v/other"
	before=$(worker_pid)
	is "$(timeout 60 "$python" "$dir/once.py" "$v" "$before" "$1")" "$2" "$1"
	[[ $(worker_pid) != "$before" ]] || fail "$1: the worker was not killed"
}

mount_start
v=$(session_make s1)
once unlink "empty other"
once rmdir "file other"
once mkdir "empty file new other"
[[ -d $v/new ]]
once symlink "empty file new other"
is "$(readlink "$v/new")" file
once mkfifo "empty file new other"
once create "empty file new other"
is "$(stat -c '%a %s' "$v/new") $(cat "$v/new")" "640 4 text"
once link "empty file new other"
is "$(stat -c %h "$v/file")" 2
once rename "empty new other"
is "$(cat "$v/new")" file
once over "empty other"
is "$(cat "$v/other")" file
once move "file new other"
echo in >"$v/new/in"
is "$(cat "$v/new/in")" in
once chmod "empty file other"
is "$(stat -c %a "$v/file")" 600
once truncate "empty file other"
is "$(cat "$v/file")" f
# What really is not there, or is, is told.
refuse "No such file" rm "$v/nothing"
refuse "File exists" mkdir "$v/empty"
mount_stop
