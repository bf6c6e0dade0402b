# SPDX-License-Identifier: MIT
"""What is timed. A workload runs once on one contender and returns {metric: figure}."""

import json
import os
import shutil
import subprocess
import time

DROP_CACHES = "/proc/sys/vm/drop_caches"


class Workload:
    """`unit` says what a figure is; `higher` whether more of it is better; `skips` whom it skips."""

    name = ""
    unit = "s"
    higher = False
    skips = ("no-passthrough",)

    def __init__(self, bench):
        self.bench = bench

    def prepare(self, contender):
        """Before the contender is mounted: what its lower is to hold."""

    def run(self, contender):
        raise NotImplementedError

    def client(self, command, **options):
        """Runs a client on the CPUs of the suite; returns its output."""
        cpus = self.bench.cpus
        return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE,
                              preexec_fn=lambda: os.sched_setaffinity(0, cpus), **options).stdout

    def timed(self, command, **options):
        start = time.monotonic()
        self.client(command, **options)
        return time.monotonic() - start


class SmallFiles(Workload):
    """10,000 files of 100 bytes in one directory, made through the mount."""

    name = "small files"
    unit = "us"
    size = 100
    # (phase, metric); no metric: not reported.
    phases = [
        ("create", "create, write, close"), ("stat", "stat after create"),
        ("list", "readdir"), ("list", "readdir again"),
        ("drop", None), ("stat", "stat, cold"), ("stat", "stat, warm"),
        ("drop", None), ("read", "open, read, close, cold"),
        ("read", "open, read, close, warm"),
        ("drop", None), ("list", "readdir, cold"),
        ("drop", None), ("list_stat", "readdir + stat, cold"),
        ("unlink", "unlink"),
    ]

    def directory(self, contender):
        path = os.path.join(contender.path, "small")
        os.mkdir(path)
        return path

    def run(self, contender):
        path = self.directory(contender)
        output = self.client([self.bench.program("smallfiles"), path, str(self.bench.files),
                              str(self.size), *[phase for phase, _ in self.phases]])
        seconds = [float(line.split()[1]) for line in output.splitlines()]
        self.clean(path)
        return {metric: s * 1e6 / self.bench.files
                for (_, metric), s in zip(self.phases, seconds) if metric}

    def clean(self, path):
        os.rmdir(path)


class LowerFiles(SmallFiles):
    """The same on files that the lower holds. Unlinking is not repeatable, so it is left out."""

    name = "files of the lower"
    phases = [
        ("drop", None), ("stat", "stat, cold"), ("stat", "stat, warm"),
        ("drop", None), ("read", "open, read, close, cold"),
        ("read", "open, read, close, warm"),
        ("drop", None), ("list", "readdir, cold"), ("list", "readdir again"),
        ("drop", None), ("list_stat", "readdir + stat, cold"),
    ]

    def prepare(self, contender):
        path = os.path.join(contender.lower, "filled")
        os.mkdir(path)
        subprocess.run([self.bench.program("smallfiles"), path, str(self.bench.files),
                        str(self.size), "create"], check=True, stdout=subprocess.DEVNULL)

    def directory(self, contender):
        return os.path.join(contender.path, "filled")

    def clean(self, path):
        pass


class CopyUp(SmallFiles):
    """2,000 files of the lower, others each time: rewritten, then removed."""

    name = "copy-up"
    count = 2000
    phases = [("rewrite", "rewrite a lower file"), ("unlink", "unlink a lower file")]

    def prepare(self, contender):
        for number in range(self.bench.rounds):
            path = os.path.join(contender.lower, f"copied-{number}")
            os.mkdir(path)
            subprocess.run([self.bench.program("smallfiles"), path, str(self.count),
                            str(self.size), "create"], check=True, stdout=subprocess.DEVNULL)

    def run(self, contender):
        path = os.path.join(contender.path, f"copied-{self.bench.round}")
        output = self.client([self.bench.program("smallfiles"), path, str(self.count),
                              str(self.size), "rewrite", "drop", "unlink"])
        seconds = dict(line.split() for line in output.splitlines())
        return {metric: float(seconds[phase]) * 1e6 / self.count
                for phase, metric in self.phases}


class OneFile(Workload):
    """Operations on one file; its figures are seconds, or MB/s of maps."""

    def one_file(self, path, *phases):
        output = self.client([self.bench.program("onefile"), path, *phases])
        return [float(line.split()[1]) for line in output.splitlines()]


class BigCopyUp(OneFile):
    """The first write to a file of 256 MiB; each round's is another name of one file."""

    name = "copy-up of a big file"
    unit = "ms"
    size_mib = 256

    def prepare(self, contender):
        names = [os.path.join(contender.lower, f"big-{number}")
                 for number in range(self.bench.rounds)]
        with open(names[0], "wb") as file:
            for _ in range(self.size_mib):
                file.write(os.urandom(1 << 20))
        for name in names[1:]:
            os.link(names[0], name)

    def run(self, contender):
        path = os.path.join(contender.path, f"big-{self.bench.round}")
        (seconds,) = self.one_file(path, "touch")
        os.unlink(path)
        return {f"first write to {self.size_mib} MiB": seconds * 1e3}


class Maps(OneFile):
    """A shared map of a file of the session's own."""

    name = "mmap"
    unit = "MB/s"
    higher = True
    skips = ()

    def run(self, contender):
        path = os.path.join(contender.path, "mapped")
        with open(path, "wb") as file:
            for _ in range(self.bench.io_mib):
                file.write(bytes(1 << 20))
        read, written = self.one_file(path, "map-read", "map-write")
        os.unlink(path)
        return {"read": read, "write": written}


class Locks(OneFile):
    """Locking and unlocking a file that nobody else uses."""

    name = "file locks"
    unit = "us"

    def run(self, contender):
        path = os.path.join(contender.path, "locked")
        with open(path, "wb"):
            pass
        fcntl, flock = self.one_file(path, "fcntl", "flock")
        os.unlink(path)
        return {"fcntl lock + unlock": fcntl * 1e6, "flock lock + unlock": flock * 1e6}


class TwoClients(Workload):
    """Two processes at once, each on files of a directory of its own."""

    name = "two clients"
    unit = "us"
    phases = ["create", "stat", "read", "unlink"]

    def run(self, contender):
        cpus = self.bench.cpus
        paths = [os.path.join(contender.path, name) for name in ("first", "second")]
        for path in paths:
            os.mkdir(path)
        count = self.bench.files // 2
        clients = [subprocess.Popen([self.bench.program("smallfiles"), path, str(count), "100",
                                     *self.phases], stdin=subprocess.DEVNULL, text=True,
                                    stdout=subprocess.PIPE,
                                    preexec_fn=lambda: os.sched_setaffinity(0, cpus))
                   for path in paths]
        seconds = dict.fromkeys(self.phases, 0.0)
        for client in clients:
            for line in client.communicate()[0].splitlines():
                phase, figure = line.split()
                seconds[phase] += float(figure)
            if client.returncode:
                raise subprocess.CalledProcessError(client.returncode, client.args)
        for path in paths:
            os.rmdir(path)
        # Of each client, a file: half of what the two took together.
        return {phase: figure * 1e6 / count / len(clients) for phase, figure in seconds.items()}


class Compile(Workload):
    """gcc on sources that lie in the file system, the objects beside them."""

    name = "compile"
    unit = "ms"
    count = 12
    source = """#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include "shared.h"
int part_%(number)d(int x) { char text[64]; snprintf(text, sizeof(text), "%%d", x + SHARED); return atoi(text); }
"""

    def run(self, contender):
        path = os.path.join(contender.path, "project")
        os.mkdir(path)
        with open(os.path.join(path, "shared.h"), "w", encoding="ascii") as file:
            file.write("#define SHARED 42\n")
        names = [os.path.join(path, f"part{number}.c") for number in range(self.count)]
        for number, name in enumerate(names):
            with open(name, "w", encoding="ascii") as file:
                file.write(self.source % {"number": number})
        command = ["gcc", "-O1", "-shared", "-fPIC", "-o", "project.so", "-save-temps=obj", *names]
        figures = {"12 files, with what lies between": self.timed(command, cwd=path) * 1e3}
        shutil.rmtree(path)
        return figures


class Trees(Workload):
    """Programs on a tree of some thousand system headers."""

    name = "trees"
    unit = "ms"

    def run(self, contender):
        tree = os.path.join(contender.path, "tree")
        clone = os.path.join(contender.path, "clone")
        os.mkdir(tree)
        figures = {
            "untar": self.timed(["tar", "xf", self.bench.tarball, "-C", tree]),
            "git clone": self.timed(["git", "clone", "--quiet", "--no-hardlinks",
                                     self.bench.repository, clone]),
            "git status": self.timed(["git", "-C", clone, "status", "--porcelain"]),
            "find -size": self.timed(["find", tree, "-size", "+1000000"]),
            "rm -rf": self.timed(["rm", "-rf", tree]),
        }
        shutil.rmtree(clone)
        return {metric: s * 1e3 for metric, s in figures.items()}


class Io(Workload):
    """fio on one file that fits the memory; it lies in the lower where it is only read."""

    name = "I/O"
    unit = "MB/s"
    higher = True
    skips = ()
    jobs = [(rw, size) for size in ("4k", "1M") for rw in ("read", "randread", "write",
                                                           "randwrite")]

    def prepare(self, contender):
        with open(os.path.join(contender.lower, "data"), "wb") as file:
            for _ in range(self.bench.io_mib):
                file.write(os.urandom(1 << 20))

    def run(self, contender):
        command = ["fio", "--output-format=json", "--thread", "--ioengine=psync", "--time_based",
                   f"--runtime={self.bench.io_ms}ms", f"--size={self.bench.io_mib}m",
                   "--group_reporting", "--invalidate=0", "--fallocate=none",
                   "--name=warm-up", "--rw=read", "--bs=4k", f"--filename={contender.path}/data"]
        for rw, size in self.jobs:
            name = "data" if rw.endswith("read") else "written"
            command += [f"--name={rw}-{size}", "--stonewall", f"--rw={rw}", f"--bs={size}",
                        f"--filename={os.path.join(contender.path, name)}"]
        with open(os.path.join(contender.path, "written"), "wb") as file:
            for _ in range(self.bench.io_mib):
                file.write(bytes(1 << 20))
        output = self.client(command, cwd=self.bench.memory_dir)
        os.unlink(os.path.join(contender.path, "written"))
        figures = {}
        for (rw, size), job in zip(self.jobs, json.loads(output)["jobs"][1:]):
            side = job["read" if rw.endswith("read") else "write"]
            figures[f"{rw} {size}"] = side["bw_bytes"] / 1e6
        return figures


ALL = [SmallFiles, LowerFiles, CopyUp, BigCopyUp, TwoClients, Locks, Trees, Compile, Maps, Io]


def file_system(path):
    """What the directory lies on: "ext4"."""
    found = subprocess.run(["findmnt", "--noheadings", "--output", "FSTYPE", "--target", path],
                           check=True, capture_output=True, text=True)
    return found.stdout.strip()


def drop_caches():
    with open(DROP_CACHES, "w", encoding="ascii") as file:
        file.write("2")


def make_material(bench):
    """A tarball of system headers, and a git repository of the same files."""
    source = os.path.join(bench.memory_dir, "headers")
    names = sorted(os.path.join(where, name)
                   for where, _, files in os.walk("/usr/include") for name in files
                   if not os.path.islink(os.path.join(where, name)))[:bench.headers]
    for name in names:
        to = os.path.join(source, os.path.relpath(name, "/usr/include"))
        os.makedirs(os.path.dirname(to), exist_ok=True)
        shutil.copyfile(name, to)
    bench.tarball = os.path.join(bench.memory_dir, "headers.tar")
    subprocess.run(["tar", "cf", bench.tarball, "-C", source, "."], check=True)
    bench.repository = source
    git = ["git", "-C", source, "-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "headers"], check=True)
    return len(names)
