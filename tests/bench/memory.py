# SPDX-License-Identifier: MIT
"""What sessions and cached nodes cost the worker in memory."""

import os
import subprocess
import time

from contenders import Sessionfs
from workloads import drop_caches

NODES = 100_000
# Freed memory is given back by what is done once a second.
GIVEN_BACK_S = 2.5


def bytes_of(pid):
    """Private memory of the worker and the pages of the arena, which is a memfd."""
    total = 0
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("RssAnon:"):
                total += int(line.split()[1]) * 1024
    for name in os.listdir(f"/proc/{pid}/map_files"):
        path = f"/proc/{pid}/map_files/{name}"
        if os.readlink(path).startswith("/memfd:"):
            total += os.stat(path).st_blocks * 512
    return total


def measure(bench, sessions):
    """Returns {what: bytes}."""
    contender = Sessionfs(bench.new_base("memory", "sessionfs"), bench.bin_dir)
    files = os.path.join(contender.lower, "files")
    os.mkdir(files)
    smallfiles = bench.program("smallfiles")
    subprocess.run([smallfiles, files, str(NODES), "0", "create"], check=True,
                   stdout=subprocess.DEVNULL)
    try:
        contender.set_up()
        return {**cost_of_nodes(contender, smallfiles), **cost_of_sessions(contender, sessions)}
    finally:
        contender.tear_down()


def cost_of_nodes(contender, smallfiles):
    worker = contender.status()["worker_pid"]
    before = bytes_of(worker)
    subprocess.run([smallfiles, os.path.join(contender.path, "files"), str(NODES), "0", "stat"],
                   check=True, stdout=subprocess.DEVNULL)
    cached = bytes_of(worker)
    drop_caches()
    contender.status()  # answered after the FORGETs, which are queued before it
    time.sleep(GIVEN_BACK_S)
    forgotten = bytes_of(worker)
    return {"worker, idle": before, "cached node": (cached - before) / NODES,
            "cached node, after the kernel forgot it": (forgotten - before) / NODES}


def cost_of_sessions(contender, sessions):
    worker = contender.status()["worker_pid"]
    before = bytes_of(worker)
    for number in range(sessions):
        subprocess.run(contender.command("create", f"idle-{number}"), check=True,
                       stdout=subprocess.DEVNULL)
    return {"idle session": (bytes_of(worker) - before) / sessions}
