"""Makes the worker's system calls fail, one after the other, under each operation of a program.

Usage: lib_faults.py MOUNTPOINT SHARE VIEW [OPERATION...]

For each operation: what system calls the worker makes for it is recorded; then, each time on fresh
objects of the lower, one of these calls fails (strace injects the error into the worker). Checked is
what the program was told and what stands there afterwards: after a success what the operation is to
do, after a failure what was there before, never a half; the error that the program gets is the one
that the backing gave. At the end no descriptor is left in the worker.
"""

import ctypes
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

LONG = bool(os.environ.get("SESSIONFS_LONG"))
# Calls that reach a backing file system. Those that read requests and send replies are left alone,
# and those by which a thread changes what it is.
CALLS = """openat openat2 newfstatat fstat statx mkdirat mknodat symlinkat linkat unlinkat renameat2
    ftruncate fallocate setxattr fsetxattr getxattr fgetxattr listxattr flistxattr removexattr
    utimensat fchownat fchmod fchmodat chmod copy_file_range getdents64 fsync fdatasync fstatfs
    readlinkat pread64 pwrite64 lseek dup3""".split()
ERRORS = {
    "openat": ("EMFILE", "EIO"), "openat2": ("EMFILE",), "mkdirat": ("ENOSPC", "EROFS"),
    "mknodat": ("ENOSPC",), "symlinkat": ("ENOSPC",), "linkat": ("EMLINK", "ENOSPC"),
    "renameat2": ("ENOSPC", "EIO"), "ftruncate": ("EDQUOT",), "fallocate": ("ENOSPC",),
    "setxattr": ("ENOSPC",), "fsetxattr": ("ENOSPC",), "copy_file_range": ("ENOSPC", "EDQUOT"),
    "pwrite64": ("ENOSPC", "EINTR"), "pread64": ("EIO", "EINTR"), "unlinkat": ("EROFS",),
}
SMALL, BIG = b"lower\n", os.urandom(200_000)
libc = ctypes.CDLL(None, use_errno=True)


def renameat2(old, new, flags):
    if libc.renameat2(-100, os.fsencode(old), -100, os.fsencode(new), flags):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def write_file(path, data, flags=0):
    fd = os.open(path, os.O_WRONLY | flags, 0o640)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view):]
    finally:
        os.close(fd)


def fill(d):
    """What each operation finds in the lower."""
    os.makedirs(f"{d}/dir/sub")
    os.mkdir(f"{d}/empty")
    for name, data in (("file", SMALL), ("other", b"other\n"), ("big", BIG), ("dir/in", b"in\n")):
        with open(f"{d}/{name}", "wb") as file:
            file.write(data)
    os.symlink("file", f"{d}/link")
    os.mkfifo(f"{d}/fifo")
    os.setxattr(f"{d}/file", "user.a", b"1")


def own(d):
    """Objects of the upper, for operations on those."""
    write_file(f"{d}/own", b"own\n", os.O_CREAT)
    os.mkdir(f"{d}/made")


def fsync(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def fallocate(path):
    fd = os.open(path, os.O_RDWR)
    try:
        os.posix_fallocate(fd, 0, 400_000)
    finally:
        os.close(fd)


def over_whiteout(d):
    """A name that was removed is made anew."""
    os.mkdir(f"{d}/file")


def gone(d):
    os.unlink(f"{d}/file")


# name: (preparation in the view or None, operation)
OPERATIONS = {
    "stat": (None, lambda d: os.lstat(f"{d}/file")),
    "list": (None, lambda d: sorted(os.listdir(d))),
    "readlink": (None, lambda d: os.readlink(f"{d}/link")),
    "read": (None, lambda d: open(f"{d}/file", "rb").read()),
    "getxattr": (None, lambda d: os.getxattr(f"{d}/file", "user.a")),
    "listxattr": (None, lambda d: os.listxattr(f"{d}/file")),
    "create": (None, lambda d: write_file(f"{d}/new", b"", os.O_CREAT | os.O_EXCL)),
    "create deep": (None, lambda d: write_file(f"{d}/dir/sub/new", b"", os.O_CREAT)),
    "create over a whiteout": (gone, lambda d: write_file(f"{d}/file", b"", os.O_CREAT)),
    "mkdir": (None, lambda d: os.mkdir(f"{d}/dir/new")),
    "mkdir over a whiteout": (gone, over_whiteout),
    "mknod": (None, lambda d: os.mkfifo(f"{d}/new")),
    "symlink": (None, lambda d: os.symlink("x", f"{d}/new")),
    "link": (None, lambda d: os.link(f"{d}/file", f"{d}/new")),
    "link own": (own, lambda d: os.link(f"{d}/own", f"{d}/dir/new")),
    "unlink": (None, lambda d: os.unlink(f"{d}/dir/in")),
    "unlink own": (own, lambda d: os.unlink(f"{d}/own")),
    "rmdir": (None, lambda d: os.rmdir(f"{d}/empty")),
    "rmdir own": (own, lambda d: os.rmdir(f"{d}/made")),
    "copy-up": (None, lambda d: write_file(f"{d}/big", b"changed")),
    "copy-up, truncated": (None, lambda d: os.truncate(f"{d}/dir/in", 0)),
    "truncate": (None, lambda d: os.truncate(f"{d}/big", 1000)),
    "chmod": (None, lambda d: os.chmod(f"{d}/file", 0o600)),
    "chmod a directory": (None, lambda d: os.chmod(f"{d}/dir", 0o700)),
    "chown": (None, lambda d: os.chown(f"{d}/file", 12, 34)),
    "utimens": (None, lambda d: os.utime(f"{d}/file", (1, 2))),
    "setxattr": (None, lambda d: os.setxattr(f"{d}/file", "user.b", b"2")),
    "removexattr": (None, lambda d: os.removexattr(f"{d}/file", "user.a")),
    "fallocate": (None, lambda d: fallocate(f"{d}/big")),
    "fsync": (own, lambda d: fsync(f"{d}/own")),
    "fsync a directory": (own, lambda d: fsync(d)),
    "rename": (None, lambda d: os.rename(f"{d}/file", f"{d}/new")),
    "rename over": (None, lambda d: os.rename(f"{d}/file", f"{d}/other")),
    "rename own": (own, lambda d: os.rename(f"{d}/own", f"{d}/file")),
    "rename a directory": (None, lambda d: os.rename(f"{d}/dir", f"{d}/new")),
    "rename a directory over": (None, lambda d: os.rename(f"{d}/dir", f"{d}/empty")),
    "exchange": (None, lambda d: renameat2(f"{d}/file", f"{d}/dir", 2)),
    "statfs": (None, lambda d: os.statvfs(d).f_namemax),
}


# What stands there after a failure and is right all the same.
EXCUSED = {
    ("copy-up, truncated", "ftruncate"): "the copy was made without data; only its times were to be set",
}


def state(d):
    """What a program sees of a tree, but for times."""
    seen = {}
    for where, dirs, files in os.walk(d):
        for name in [".", *dirs, *files]:
            path = os.path.join(where, name)
            st = os.lstat(path)
            entry = [oct(st.st_mode), st.st_uid, st.st_gid]
            if os.path.islink(path):
                entry.append(os.readlink(path))
            elif os.path.isfile(path):
                with open(path, "rb") as file:
                    entry += [st.st_size, hash(file.read())]
                entry += [(key, os.getxattr(path, key)) for key in sorted(os.listxattr(path))]
            seen[os.path.relpath(path, d)] = entry
    return seen


class Injector:
    """strace on the worker; `spec` is what it is told to do."""

    def __init__(self, pid, *spec, output=os.devnull):
        self.process = subprocess.Popen(
            ["strace", "-qq", "-f", "-p", str(pid), "-o", output, *spec],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not self.attached(pid):
            if self.process.poll() is not None:
                raise SystemExit(f"strace ended: {self.process.args}")
            time.sleep(0.002)

    @staticmethod
    def attached(pid):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as status:
                if re.search(r"^TracerPid:\t0$", status.read(), re.M):
                    return False
        return True

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()


class Sweep:
    def __init__(self, mountpoint, share, view):
        self.share, self.view, self.count = share, view, 0
        with open(os.path.join(mountpoint, "status.json"), encoding="utf-8") as file:
            self.worker = json.load(file)["worker_pid"]
        self.failures, self.runs, self.failed_runs = [], 0, 0

    def fresh(self, prepare):
        name = f"case-{self.count}"
        self.count += 1
        fill(os.path.join(self.share, name))
        path = os.path.join(self.view, name)
        if prepare:
            prepare(path)
        return path

    def attempt(self, operation, path, *spec, output=os.devnull):
        """Returns (errno or 0, result)."""
        injector = Injector(self.worker, *spec, output=output)
        try:
            return 0, operation(path)
        except OSError as error:
            return error.errno, None
        finally:
            injector.stop()

    def calls_of(self, name, trace):
        """Which calls an operation makes, and what it gives and leaves when all goes well."""
        prepare, operation = OPERATIONS[name]
        path = self.fresh(prepare)
        before = state(path)
        status, result = self.attempt(operation, path, "-e", f"trace={','.join(CALLS)}",
                                      output=trace)
        if status:
            raise SystemExit(f"{name} fails without a fault: {os.strerror(status)}")
        with open(trace, encoding="utf-8", errors="replace") as lines:
            calls = [match.group(1) for line in lines
                     if (match := re.match(r"\d+ +(\w+)\(", line)) and match.group(1) in CALLS]
        return calls, before, state(path), result

    def check(self, name, call, error, number, expected):
        before, after, result = expected
        prepare, operation = OPERATIONS[name]
        path = self.fresh(prepare)
        status, got = self.attempt(operation, path, "-e", f"trace={call}", "-e",
                                   f"inject={call}:error={error}:when={number}")
        self.runs += 1
        where = f"{name}, {call} #{number} fails with {error}"
        left = state(path)
        if status:
            self.failed_runs += 1
            if errno.errorcode[status] != error:
                self.failures.append(f"{where}: the program got {errno.errorcode[status]}")
            if left != before and (name, call) not in EXCUSED:
                self.failures.append(f"{where}: half done: {difference(before, left)}")
        elif left != after or (result is not None and not same_result(got, result)):
            self.failures.append(f"{where}: called a success: {difference(after, left)}")
        # Whoever comes next is not in the way of what failed.
        with open(f"{path}/next", "wb"):
            pass
        os.unlink(f"{path}/next")
        shutil.rmtree(path)

    def sweep(self, name, trace):
        calls, *expected = self.calls_of(name, trace)
        for call in sorted(set(calls)):
            times = min(calls.count(call), 4 if LONG else 1)
            for error in ERRORS.get(call, ("EIO",))[:None if LONG else 1]:
                for number in range(1, times + 1):
                    self.check(name, call, error, number, expected)


def same_result(a, b):
    return isinstance(a, os.stat_result) or a == b


def difference(a, b):
    return {key: (a.get(key), b.get(key)) for key in sorted({*a, *b}) if a.get(key) != b.get(key)}


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def settled(pid, limit):
    """FORGETs are not waited for: drops what the kernel keeps until no more is open than allowed."""
    for _ in range(100):
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
            file.write("2")
        if descriptors(pid) <= limit:
            return True
        time.sleep(0.05)
    return False


def main(mountpoint, share, view, *names):
    sweep = Sweep(mountpoint, share, view)
    trace = os.path.join(os.path.dirname(mountpoint), "trace")
    chosen = names or list(OPERATIONS)
    sweep.sweep(chosen[0], trace)  # what is opened once and kept is open now
    open_before = descriptors(sweep.worker)
    for name in chosen:
        sweep.sweep(name, trace)
    if not settled(sweep.worker, open_before + 4):
        sweep.failures.append(f"{descriptors(sweep.worker)} descriptors are open, {open_before} were")
    print(*sweep.failures, sep="\n", end="\n" if sweep.failures else "")
    print(f"{sweep.runs} faults, {sweep.failed_runs} of them reached the program")
    return 1 if sweep.failures or not sweep.failed_runs else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
