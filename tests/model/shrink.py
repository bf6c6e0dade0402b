"""Leaves operations of a failed run out, as long as it goes on failing (see shrink)."""

import os
import re
import shutil
import subprocess
import sys

cli, model, mnt, share, work, seed, ops = sys.argv[1:8]
options = sys.argv[8:]
runs = 0
wanted = None


def ranges(numbers):
    parts = []
    for number in sorted(numbers):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join("%d-%d" % (first, last) for first, last in parts)


def kind(text):
    """What it says, without the names and numbers: another failure is another matter."""
    return re.sub(r'"[^"]*"|[0-9]+', "", text.rsplit("MISMATCH", 1)[-1].split("):", 1)[-1])


def run(kept):
    """What a run of these operations alone says where it fails, else None."""
    global runs
    runs += 1
    session = "shrink%d" % runs
    copy = os.path.join(work, "copy")
    subprocess.run([cli, "create", session], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cp", "-a", share, copy], check=True)
    view = "%s/sessions/0/%s%s" % (mnt, session, share)
    skip = ranges(set(range(1, last + 1)) - set(kept))
    command = [model, "run", view, copy, seed, str(last)] + options
    if skip:
        command += ["--skip", skip]
    done = subprocess.run(command, stderr=subprocess.PIPE)
    shutil.rmtree(copy)
    subprocess.run([cli, "rm", session], check=True, stdout=subprocess.DEVNULL)
    text = done.stderr.decode(errors="replace")
    return text if done.returncode == 1 and kind(text) == (wanted or kind(text)) else None


last = int(ops)
kept = list(range(1, last + 1))
said = run(kept)
if not said:
    sys.exit("it does not fail any more")
wanted = kind(said)
last = int(said.rsplit("operation ", 1)[1].split(")")[0])
kept = kept[:last]
chunk = max(1, len(kept) // 2)
while True:
    at, shorter = 0, False
    while at < len(kept):
        fewer = kept[:at] + kept[at + chunk :]
        text = run(fewer)
        if text:
            kept, said, shorter = fewer, text, True
        else:
            at += chunk
    if chunk == 1 and not shorter:
        break
    chunk = max(1, chunk // 2)
print("%d runs; --skip %s" % (runs, ranges(set(range(1, last + 1)) - set(kept))))
print(said)
