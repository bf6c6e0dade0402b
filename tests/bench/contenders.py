# SPDX-License-Identifier: MIT
"""The file systems that are compared: each one set up over a directory of its own."""

import json
import os
import subprocess
import time

SESSION = "bench"


class Contender:
    """One file system. `path` is where its users work; `lower` is what it shows or overlays."""

    name = "native"

    def __init__(self, base):
        self.base = base
        self.lower = os.path.join(base, "lower")
        self.path = self.lower
        self.daemon = None
        os.makedirs(self.lower)

    def set_up(self):
        """Mounts. What stands in `lower` by then is to be seen."""

    def tear_down(self):
        """Unmounts and ends the daemon, also after a set_up() that failed half-way."""
        if self.path != self.lower:
            subprocess.run(["umount", "-l", self.path], stderr=subprocess.DEVNULL, check=False)
        stop(self.daemon)

    def pids(self):
        """The processes that serve it."""
        return [self.daemon.pid] if self.daemon else []

    def pin(self, cpus):
        """Each thread of each daemon runs on these CPUs from now on."""
        for pid in self.pids():
            for thread in os.listdir(f"/proc/{pid}/task"):
                os.sched_setaffinity(int(thread), cpus)

    def make_dirs(self, *names):
        for name in names:
            os.makedirs(os.path.join(self.base, name))
        return [os.path.join(self.base, name) for name in names]


class Overlay(Contender):
    """The kernel's own."""

    name = "overlayfs"

    def options(self):
        upper, work, self.path = self.make_dirs("upper", "work", "mnt")
        return f"lowerdir={self.lower},upperdir={upper},workdir={work}"

    def set_up(self):
        subprocess.run(["mount", "-t", "overlay", "-o", self.options(), "overlay", self.path],
                       check=True)


class FuseOverlay(Overlay):
    """A copy-on-write rival in user space."""

    name = "fuse-overlayfs"

    def set_up(self):
        options = self.options()
        self.daemon = start(["fuse-overlayfs", "-f", "-o", options, self.path], self.base)
        wait_until(lambda: os.path.ismount(self.path), self.daemon)


class Bindfs(Contender):
    """A pass-through rival in user space: what FUSE costs that does nothing."""

    name = "bindfs"

    def set_up(self):
        (self.path,) = self.make_dirs("mnt")
        self.daemon = start(["bindfs", "-f", self.lower, self.path], self.base)
        wait_until(lambda: os.path.ismount(self.path), self.daemon)


class Sessionfs(Contender):
    """A session's view, bound to a directory as `sessionfs run` binds it."""

    name = "sessionfs"

    def __init__(self, base, bin_dir, options=()):
        super().__init__(base)
        self.bin_dir = bin_dir
        self.options = list(options)
        self.mountpoint = None

    def command(self, *args):
        return [os.path.join(self.bin_dir, "sessionfs"), "--mountpoint", self.mountpoint, *args]

    def set_up(self):
        store, self.mountpoint, self.path = self.make_dirs("store", "mount", "view")
        self.daemon = start([os.path.join(self.bin_dir, "sessionfsd"), self.mountpoint,
                             "--store", store, "--share", self.lower, "--foreground",
                             *self.options], self.base)
        wait_until(lambda: os.path.exists(os.path.join(self.mountpoint, "status.json")),
                   self.daemon)
        subprocess.run(self.command("create", SESSION), check=True, stdout=subprocess.DEVNULL)
        view = os.path.join(self.mountpoint, "sessions", str(os.getuid()), SESSION,
                            self.lower.lstrip("/"))
        subprocess.run(["mount", "--bind", view, self.path], check=True)

    def tear_down(self):
        super().tear_down()
        if self.mountpoint:
            subprocess.run(["umount", "-l", self.mountpoint], stderr=subprocess.DEVNULL,
                           check=False)

    def status(self):
        with open(os.path.join(self.mountpoint, "status.json"), encoding="utf-8") as file:
            return json.load(file)

    def pids(self):
        return [self.daemon.pid, self.status()["worker_pid"]]


class SessionfsPlain(Sessionfs):
    """Without passthrough: data go through the worker."""

    name = "no-passthrough"

    def __init__(self, base, bin_dir):
        super().__init__(base, bin_dir, ["--no-passthrough"])


RIVALS = [Contender, Overlay, FuseOverlay, Bindfs]


def start(command, base):
    with open(os.path.join(base, "log"), "ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def stop(process):
    if not process:
        return
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until(condition, daemon, limit_s=10):
    deadline = time.monotonic() + limit_s
    while not condition():
        if daemon.poll() is not None:
            raise RuntimeError(f"{daemon.args[0]} ended with status {daemon.returncode}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{daemon.args[0]} did not mount within {limit_s} s")
        time.sleep(0.01)
