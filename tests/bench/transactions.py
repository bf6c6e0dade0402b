# SPDX-License-Identifier: MIT
"""What it costs to make, compare, publish and drop sessions: asked over `ctl`, so without a start of the CLI."""

import json
import os
import shutil
import subprocess
import time
from statistics import median

from contenders import SESSION, Sessionfs

LOWER_FILES = 100_000
SMALL_CHANGES = 10


def measure(bench, files):
    """Returns {what: milliseconds}, medians; ratios where the name says so."""
    contender = Sessionfs(bench.new_base("transactions", "sessionfs"), bench.bin_dir)
    for number in range(LOWER_FILES):
        directory = os.path.join(contender.lower, f"d{number // 1000}")
        if number % 1000 == 0:
            os.mkdir(directory)
        put(os.path.join(directory, str(number)), "lower")
    try:
        contender.set_up()
        with open(os.path.join(contender.mountpoint, "ctl"), "r+b", buffering=0) as ctl:
            return {**cost_of_sessions(ctl), **cost_of_few(contender, ctl),
                    **cost_of_many(contender, ctl, files, bench.rounds)}
    finally:
        contender.tear_down()


def view(contender):
    """By its path: a bind mount would show the view of before a commit or a reset."""
    return os.path.join(contender.mountpoint, "sessions", str(os.getuid()), SESSION,
                        contender.lower.lstrip("/"))


def put(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def ask(ctl, **request):
    """Milliseconds, and the data."""
    start = time.perf_counter()
    ctl.write(json.dumps(request).encode())
    answer = b""
    while piece := ctl.read(1 << 20):
        answer += piece
    elapsed = (time.perf_counter() - start) * 1e3
    answer = json.loads(answer)
    if not answer["ok"]:
        raise RuntimeError(answer["error"]["message"])
    return elapsed, answer["data"]


def cost_of_sessions(ctl):
    made = [ask(ctl, op="session.create", session=f"new-{number}")[0] for number in range(200)]
    return {"new session": median(made)}


def cost_of_few(contender, ctl):
    """Over a lower of 100,000 files; in memory, where a sync costs nothing."""
    commits, diffs, forks, resets = [], [], [], []
    for turn in range(40):
        put(os.path.join(view(contender), "d0", "0"), f"ours {turn}")
        commits.append(ask(ctl, op="session.commit", session=SESSION)[0])
    for turn in range(40):
        for number in range(SMALL_CHANGES):
            put(os.path.join(view(contender), f"d{number}", f"{number * 1000}"), f"ours {turn}")
        elapsed, data = ask(ctl, op="session.diff", session=SESSION)
        if len(data["changes"]) != SMALL_CHANGES:
            raise RuntimeError(f"{len(data['changes'])} changes")
        diffs.append(elapsed)
        forks.append(ask(ctl, op="session.fork", session=SESSION)[0])
        resets.append(ask(ctl, op="session.reset", session=SESSION)[0])
    return {"commit of one small file": median(commits),
            f"diff of {SMALL_CHANGES} changes": median(diffs),
            f"fork with {SMALL_CHANGES} changes": median(forks),
            f"reset of {SMALL_CHANGES} changes": median(resets)}


def cost_of_many(contender, ctl, files, rounds):
    """Publishing a tree beside what `cp -a` takes for the same tree."""
    source = os.path.join(contender.base, "many")
    os.mkdir(source)
    for number in range(files):
        put(os.path.join(source, str(number)), "x" * 1000)
    commits, tenths, copies = [], [], []
    for turn in range(rounds):
        copy = os.path.join(contender.base, f"copy-{turn}")
        start = time.perf_counter()
        subprocess.run(["cp", "-a", source, copy], check=True)
        copies.append((time.perf_counter() - start) * 1e3)
        subprocess.run(["cp", "-a", source, os.path.join(view(contender), f"many-{turn}")],
                       check=True)
        commits.append(ask(ctl, op="session.commit", session=SESSION)[0])
        few = os.path.join(view(contender), f"few-{turn}")
        os.mkdir(few)
        for number in range(files // 10):
            put(os.path.join(few, str(number)), "x" * 1000)
        tenths.append(ask(ctl, op="session.commit", session=SESSION)[0])
        shutil.rmtree(copy)
    return {f"commit of {files} new files": median(commits),
            f"commit of {files // 10} new files": median(tenths),
            f"cp -a of {files} files": median(copies),
            "commit, times cp -a": median(commits) / median(copies)}
