#!/bin/bash
# Signals and job control of `run`: as if COMMAND had been started without it.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
mount_start

"$python" - "$cli" <<'PY'
import os
import pty
import select
import signal
import subprocess
import sys
import time

CLI = sys.argv[1]
COUNT = """
import os, signal, sys
r, w = os.pipe()
os.set_blocking(w, False)
signal.set_wakeup_fd(w)
for s in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP):
    signal.signal(s, lambda *_: None)
print("ready", flush=True)
while True:
    n = os.read(r, 1)[0]
    if n == signal.SIGHUP:
        sys.exit(5)
    print(signal.Signals(n).name, flush=True)
"""


def start(*command):
    return subprocess.Popen([CLI, "run", "--", *command], text=True, start_new_session=True,
                            stdout=subprocess.PIPE)


# To run alone: passed on. To the group: COMMAND has it already. Each signal once in a process, for
# what is still pending swallows a second one.
numbers = [signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT, signal.SIGTERM]
for ways in ("1111", "gggg", "1g1g", "g1g1", "gg11", "11gg"):
    process = start(sys.executable, "-c", COUNT)
    assert process.stdout.readline() == "ready\n"
    for way, number in zip(ways, numbers):
        if way == "1":
            process.send_signal(number)
        else:
            os.killpg(process.pid, number)
        said = process.stdout.readline()
        assert said == signal.Signals(number).name + "\n", (ways, said)
    # The end goes the same way as the others: what came twice would show before it.
    time.sleep(0.05)
    process.send_signal(signal.SIGHUP)
    said = process.stdout.read()
    assert said == "", (ways, said)
    assert process.wait() == 5

# Ended by a signal: 128 and its number, as a shell says it.
process = start("sh", "-c", "echo; exec sleep 60")
process.stdout.readline()
process.send_signal(signal.SIGTERM)
assert process.wait() == 143

# Before COMMAND runs it ends run, and COMMAND never starts; at any instant one or the other.
for delay in range(40):
    process = start("sh", "-c", "echo started; exec sleep 60")
    time.sleep(delay * 0.0003)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) in (143, -signal.SIGTERM)
    # Nobody holds the pipe: nothing is left.
    assert process.stdout.read() in ("", "started\n")




def wait_for(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, condition
        time.sleep(0.01)


def in_state(state, session):
    """The processes of a POSIX session that are in that state."""
    return subprocess.run(["pgrep", "-r", state, "-s", str(session)], text=True,
                          stdout=subprocess.PIPE, check=False).stdout.split()


# Stopped and continued, or killed, behind the back of run: it goes on with COMMAND.
for last in (signal.SIGCONT, signal.SIGKILL):
    process = start("sh", "-c", "echo $$; kill -STOP $$; exit 9")
    command = int(process.stdout.readline())
    wait_for(lambda: str(command) in in_state("T", process.pid))
    os.kill(command, last)
    assert process.wait(20) == (9 if last == signal.SIGCONT else 137)

# A terminal: ^C, ^Z and fg with run as one job of a shell, and a shell as COMMAND.
def terminal():
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["PS1"] = "$ "
        os.environ["INPUTRC"] = "/dev/null"
        os.execvp("bash", ["bash", "--norc", "--noediting", "-i"])
    return pid, fd


seen = ""


def until(fd, wanted, seconds=20):
    """Reads up to and with that text, and returns what stood before it."""
    global seen
    end = time.monotonic() + seconds
    while wanted not in seen:
        left = end - time.monotonic()
        assert left > 0 and select.select([fd], [], [], left)[0], (wanted, seen)
        seen += os.read(fd, 65536).decode(errors="replace")
    before, seen = seen.split(wanted, 1)
    return before


def say(fd, text):
    os.write(fd, text.encode())


def command(fd, text):
    say(fd, text + "\n")
    until(fd, text + "\r\n")


shell, fd = terminal()
until(fd, "$ ")
command(fd, f"{CLI} run -- sh -c 'echo st''arted; exec sleep 60'")
until(fd, "started")
say(fd, "\x1a")
until(fd, "Stopped")
until(fd, "$ ")
command(fd, "fg")
until(fd, "\n")
wait_for(lambda: not in_state("T", shell))
say(fd, "\x03")
until(fd, "$ ")
command(fd, "echo status=$?")
until(fd, "status=130")
until(fd, "$ ")

command(fd, f"{CLI} run -- bash --norc --noediting -i")
until(fd, "$ ")
command(fd, "sh -c 'echo in''ner; exec sleep 60'")
until(fd, "inner")
say(fd, "\x1a")
until(fd, "Stopped")
until(fd, "$ ")
command(fd, "fg")
until(fd, "\n")
wait_for(lambda: not in_state("T", shell))
say(fd, "\x03")
until(fd, "$ ")
command(fd, "exit 7")
until(fd, "$ ")
command(fd, "echo status=$?")
until(fd, "status=7")
until(fd, "$ ")
# The same in a job that the shell stops: run is stopped with COMMAND, and continued with it.
for last, status in ((signal.SIGCONT, "status=9"), (signal.SIGKILL, "status=137")):
    command(fd, f"{CLI} run -- sh -c 'echo $$; kill -STOP $$; exit 9'")
    stopped = int(until(fd, "\r\n"))
    until(fd, "Stopped")
    until(fd, "$ ")
    os.kill(stopped, last)
    wait_for(lambda: not in_state("T", shell))
    command(fd, "wait %1; echo status=$?")
    until(fd, status)
    until(fd, "$ ")
command(fd, f"{CLI} run -- cat")
say(fd, "through\n")
until(fd, "through\r\nthrough")
say(fd, "\x04")
until(fd, "$ ")
say(fd, "exit\n")
PY

mount_stop
