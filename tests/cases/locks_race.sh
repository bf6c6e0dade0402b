#!/bin/bash
# Many programs race for one lock: exactly one wins each round, and the fencing tokens grow, over the death
# of the worker, umount and mount too.
# Programs in single quotes are for other shells.
# shellcheck disable=SC2016
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Racers are processes of a session each, of runs and of none; all start on a signal.
cat >"$dir/racers.py" <<'PY'
import json, os, subprocess, sys, time

cli, mnt, share, idiom, rounds, racers = sys.argv[1:4 + 1] + [int(n) for n in sys.argv[5:7]]
name = os.path.join(share, "race.lock")
racer = r"""
import fcntl, os, sys
name, idiom, me = sys.argv[1:4]
keep = []
def take():
    if idiom == "create":
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    elif idiom == "mkdir":
        os.mkdir(name)
    elif idiom == "symlink":
        os.symlink(me, name)
    else:
        fd = os.open(name, os.O_CREAT | os.O_RDWR)
        keep.append(fd)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
while sys.stdin.readline() == "take\n":
    try:
        take()
        won = True
    except (FileExistsError, BlockingIOError):
        won = False
    print("won" if won else "lost", flush=True)
    assert sys.stdin.readline() == "give\n"
    for fd in keep:
        os.close(fd)
    keep.clear()
    if won and idiom == "mkdir":
        os.rmdir(name)
    elif won and idiom != "flock":
        os.unlink(name)
    print("given", flush=True)
"""
def start(i):
    command = [sys.executable, "-c", racer, name, idiom, str(i)]
    env = dict(os.environ)
    if i % 4 == 3:
        # Outside a run, through the session's subtree.
        env["TOOL_SESSION_ID"] = "race-%d" % i
        command[3] = os.path.join(mnt, "sessions/0/race-%d%s" % (i, name))
        subprocess.run([cli, "create", "race-%d" % i], check=True, stdout=subprocess.DEVNULL)
    else:
        command = [cli, "run", "--session", "race-%d" % i, "--"] + command
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)

processes = [start(i) for i in range(racers)]
def tell(what):
    for process in processes:
        process.stdin.write(what + "\n")
        process.stdin.flush()
def hear():
    return [process.stdout.readline().strip() for process in processes]
last = int(open(os.path.join(mnt, "..", "token")).read())
for n in range(rounds):
    tell("take")
    heard = hear()
    assert heard.count("won") == 1 and heard.count("lost") == racers - 1, (idiom, n, heard)
    lock = json.load(open(os.path.join(mnt, "locks" + name + ".json")))
    token = lock["lock"]["fencing_token"]
    assert lock["holder"]["session"] == "race-%d" % heard.index("won"), (heard.index("won"), lock)
    assert lock["lock"]["idiom"] == idiom, lock
    assert token > last, (token, last)
    last = token
    tell("give")
    assert hear() == ["given"] * racers
    # The kernel tells the daemon of a close later than it returns; but nobody is denied for that.
    if idiom != "flock":
        assert json.load(open(os.path.join(mnt, "locks.json"))) == {"locks": []}
for process in processes:
    process.stdin.close()
    assert process.wait() == 0
open(os.path.join(mnt, "..", "token"), "w").write(str(last))
PY

# Two take turns: when one has closed the file, the other is not denied.
cat >"$dir/turns.py" <<'PY'
import fcntl, mmap, os, sys
name, rounds = sys.argv[1], int(sys.argv[2])
turn = mmap.mmap(-1, 4096)
child = os.fork()
denied = 0
for n in range(rounds):
    if n % 2 == (child == 0):
        continue
    fd = os.open(name, os.O_CREAT | os.O_RDWR)
    while turn[0] != n % 256:
        os.sched_yield()
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        denied += 1
    os.close(fd)
    turn[0] = (n + 1) % 256
if child == 0:
    os._exit(denied > 0)
assert denied == 0, denied
assert os.waitpid(child, 0)[1] == 0
PY

race() {
	timeout 60 "$python" "$dir/racers.py" "$cli" "$mnt" "$share" "$1" "$2" 32 || fail "race for $1"
	is "$(find "$share" -mindepth 1 ! -name race.lock)" ''
	rm -f "$share/race.lock"
}

echo 0 >"$dir/token"
mount_start
race create 20
race mkdir 20
race symlink 20
race flock 20
timeout 60 "$python" "$dir/turns.py" "$(session_make turns)/turns.lock" 3000 || fail 'denied after a close'
rm "$share/turns.lock"
# The tokens go on where another worker, and another mount, begin.
kill -9 "$(status worker_pid)"
race create 2
mount_stop
mount_start
race mkdir 2
# Killed with its supervisor, nothing was written on the way out.
kill -9 "$(status worker_pid)" "$supervisor"
umount -l "$mnt" 2>/dev/null || true
mount_start
race create 2
mount_stop
