#!/usr/bin/python3
"""Many processes do at random what programs do to files, all at once, in the same few names.

Usage: lib_stress.py SECONDS SEED VIEW...

Each view gets three processes. Nothing is known of what an operation meets; what counts is that it answers with
an error that a local file system would give in such a race, that nothing hangs, and what is left at the end:
that is for the caller.
"""

import ctypes
import errno
import fcntl
import mmap
import multiprocessing
import os
import random
import sys
import time
import traceback

WORKERS = 3
NAMES = ["a", "b", "c", "d", "e", "f"]
EXPECTED = {
    errno.ENOENT, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY, errno.ELOOP, errno.EINVAL,
    errno.EACCES, errno.EAGAIN, errno.ENXIO, errno.EXDEV, errno.EBUSY, errno.EPERM, errno.EMLINK, errno.ETXTBSY,
    # A name that leads elsewhere by now: the kernel tries once more by itself, and then says so, as on NFS.
    errno.ESTALE,
    # Raised by Python for what is no directory any more, and for an attribute that is not there.
    errno.ENODATA, errno.EBADF,
    # Of a FIFO.
    errno.ESPIPE, errno.EWOULDBLOCK,
}
RENAME_EXCHANGE = 2
libc = ctypes.CDLL(None, use_errno=True)


def exchange(old, new):
    """renameat2() with RENAME_EXCHANGE."""
    if libc.renameat2(-100, old.encode(), -100, new.encode(), RENAME_EXCHANGE):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), old)


class Worker:
    """One process: some files that it has open, and what it does next."""

    def __init__(self, view, seed):
        self.view = view
        self.random = random.Random(seed)
        self.files = []
        self.maps = []
        self.kinds = [getattr(self, name) for name in dir(self) if name.startswith("do_")]

    def path(self):
        """A name, two in three at the top."""
        depth = self.random.choice((1, 1, 2, 2, 3))
        return os.path.join(self.view, *(self.random.choice(NAMES) for _ in range(depth)))

    def keep(self, fd):
        """Keeps a descriptor open for later, and closes another."""
        self.files.append(fd)
        if len(self.files) > 8:
            os.close(self.files.pop(self.random.randrange(8)))

    def file(self):
        """One that is open."""
        if not self.files:
            raise OSError(errno.EBADF, "none is open")
        return self.random.choice(self.files)

    def do_create(self):
        flags = self.random.choice((os.O_CREAT, os.O_CREAT | os.O_EXCL, os.O_CREAT | os.O_TRUNC, os.O_CREAT | os.O_APPEND))
        self.keep(os.open(self.path(), flags | os.O_RDWR | os.O_NONBLOCK, 0o644))

    def do_open(self):
        flags = self.random.choice((os.O_RDONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC, os.O_PATH))
        self.keep(os.open(self.path(), flags | os.O_NONBLOCK))

    def do_tmpfile(self):
        fd = os.open(os.path.dirname(self.path()), os.O_TMPFILE | os.O_RDWR, 0o600)
        os.write(fd, b"t" * 100)
        if self.random.random() < 0.5:
            os.link(f"/proc/self/fd/{fd}", self.path(), follow_symlinks=True)
        self.keep(fd)

    def do_write(self):
        os.pwrite(self.file(), b"w" * self.random.randrange(1, 20000), self.random.randrange(60000))

    def do_read(self):
        os.pread(self.file(), 20000, self.random.randrange(60000))

    def do_truncate(self):
        os.ftruncate(self.file(), self.random.randrange(50000))

    def do_truncate_name(self):
        os.truncate(self.path(), self.random.randrange(50000))

    def do_map(self):
        fd = self.file()
        size = os.fstat(fd).st_size
        if size:
            mapped = mmap.mmap(fd, size)
            self.maps.append(mapped)
            if len(self.maps) > 4:
                self.maps.pop(0)

    def do_mkdir(self):
        os.mkdir(self.path())

    def do_rmdir(self):
        os.rmdir(self.path())

    def do_unlink(self):
        os.unlink(self.path())

    def do_symlink(self):
        os.symlink(self.random.choice(NAMES), self.path())

    def do_fifo(self):
        os.mkfifo(self.path())

    def do_link(self):
        os.link(self.path(), self.path(), follow_symlinks=False)

    def do_rename(self):
        os.rename(self.path(), self.path())

    def do_rename_again(self):
        os.rename(self.path(), self.path())

    def do_exchange(self):
        exchange(self.path(), self.path())

    def do_list(self):
        for entry in os.scandir(os.path.dirname(self.path())):
            entry.stat(follow_symlinks=False)

    def do_stat(self):
        os.lstat(self.path())
        os.fstat(self.file())

    def do_chmod(self):
        os.chmod(self.path(), self.random.choice((0o600, 0o755, 0o700)))

    def do_chown(self):
        os.chown(self.path(), self.random.randrange(3), -1, follow_symlinks=False)

    def do_utime(self):
        os.utime(self.path(), (1, self.random.randrange(10**9)), follow_symlinks=False)

    def do_xattr(self):
        os.setxattr(self.path(), "user.x", b"v" * self.random.randrange(100))
        os.removexattr(self.path(), "user.x")

    def do_flock(self):
        fcntl.flock(self.file(), self.random.choice((fcntl.LOCK_EX, fcntl.LOCK_SH, fcntl.LOCK_UN)) | fcntl.LOCK_NB)

    def do_lockf(self):
        fcntl.lockf(self.file(), fcntl.LOCK_EX | fcntl.LOCK_NB, 100, self.random.randrange(1000))

    def do_sync(self):
        os.fsync(self.file())

    def run(self, until):
        """Goes on until then. Returns how many operations there were."""
        count = 0
        while time.monotonic() < until:
            kind = self.random.choice(self.kinds)
            try:
                kind()
            except OSError as error:
                if error.errno not in EXPECTED:
                    sys.exit(f"{kind.__name__}: {error}: {traceback.format_exc().splitlines()[-2].strip()}")
            except ValueError:
                pass  # a map of what is empty by now, or is not to be mapped
            count += 1
        return count


def work(view, seed, until, counts, number):
    """The body of a process."""
    counts[number] = Worker(view, seed).run(until)


def main(seconds, seed, views):
    """Runs all, and says how much that was."""
    until = time.monotonic() + seconds
    counts = multiprocessing.Array("l", WORKERS * len(views))
    processes = [
        multiprocessing.Process(target=work, args=(views[n % len(views)], seed * 100 + n, until, counts, n))
        for n in range(WORKERS * len(views))
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(seconds + 30)
    if any(process.exitcode != 0 for process in processes):
        for process in processes:
            process.kill()
        sys.exit("not all have ended, or not well")
    print(f"seed {seed}: {sum(counts)} operations")
    if min(counts) < 50:
        sys.exit(f"hardly anything was done: {list(counts)}")


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
