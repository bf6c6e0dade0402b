import fcntl, os, subprocess, sys, time

# Each operation is answered within 100 ms. A busy machine may take a process off that long, but not
# time after time.
#
# Usage: lib_prompt.py MOUNTPOINT CLI VIEW OTHER_VIEW [DIRECTORY]
# The views hold a file "plain"; VIEW also a directory "sub" with a file "file". DIRECTORY holds
# files "f0" and so on that can be read.
mnt, cli, view, other = sys.argv[1:5]
beside = sys.argv[5] if len(sys.argv) > 5 else None
counter = 0


def read(path):
    with open(path) as f:
        return f.read()


def new(directory):
    global counter
    counter += 1
    return f"{directory}/new{counter}"


def make_and_remove(directory):
    path = new(directory)
    with open(path, "w") as f:
        f.write("x")
    os.rename(path, path + ".moved")
    os.unlink(path + ".moved")


def take_and_free(path):
    os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    os.unlink(path)


def lock_and_close(path):
    for i in range(2):
        fd = os.open(path, os.O_CREAT | os.O_RDWR)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(fd)


def make_directory(directory):
    path = new(directory)
    os.mkdir(path)
    os.listdir(path)
    os.rmdir(path)


def ask_ctl():
    fd = os.open(f"{mnt}/ctl", os.O_RDWR)
    os.write(fd, b'{"op": "whoami"}')
    assert b'"ok"' in os.read(fd, 65536)
    os.close(fd)


operations = {
    "stat": lambda: os.stat(f"{view}/plain"),
    "stat of what is absent": lambda: os.path.exists(new(view)),
    "read": lambda: read(f"{view}/plain"),
    "make, write, rename, unlink": lambda: make_and_remove(view),
    "mkdir, readdir, rmdir": lambda: make_directory(view),
    "the same in a directory": lambda: make_and_remove(f"{view}/sub"),
    "copy-up": lambda: os.chmod(f"{view}/sub/file", 0o600),
    "a lock": lambda: take_and_free(f"{view}/sub/a.lock"),
    "flock": lambda: lock_and_close(f"{view}/sub/file"),
    "other share: stat": lambda: os.stat(f"{other}/plain"),
    "other share: make": lambda: make_and_remove(other),
    "statfs": lambda: os.statvfs(view),
    "status.json": lambda: read(f"{mnt}/status.json"),
    "locks.json": lambda: read(f"{mnt}/locks.json"),
    "whoami.json": lambda: read(f"{mnt}/whoami.json"),
    "ctl": ask_ctl,
    "sessionfs ls": lambda: subprocess.run([cli, "ls"], check=True, stdout=subprocess.DEVNULL),
}
if beside:
    operations["stat beside"] = lambda: os.stat(f"{beside}/f{counter}")
    operations["read beside"] = lambda: read(f"{beside}/f{counter}")
    operations["list beside"] = lambda: os.listdir(beside)
for name, operation in operations.items():
    for attempt in range(5):
        begun = time.monotonic()
        operation()
        took = time.monotonic() - begun
        if took < 0.1:
            break
    else:
        sys.exit(f"{name}: {took * 1000:.0f} ms")
