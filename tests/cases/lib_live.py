#!/usr/bin/python3
"""An outsider changes the lower at random while programs look at it through a view.

Usage: lib_live.py LOWER VIEW SEED BATCHES

The session has changed a few files, which the outsider leaves alone. After each batch of changes and the
time that the kernel may keep what it knows, the view must show the lower with those few laid over it:
no name that has gone, no size or content from before, no new name missing. Two processes look up, list
and read all the while, names that are not there as well.
"""

import multiprocessing
import os
import random
import shutil
import stat
import sys
import time

NAMES = [f"n{i}" for i in range(12)]
# SPEC section 4: seen within 1 s. A tenth more for the clocks to tick.
SEEN_S = 1.1
OWN = ("own", "changed", "gone")


def paths(root, depth=2):
    """Every path that may come to be."""
    found = [(name,) for name in NAMES]
    if depth > 1:
        found += [(name, *rest) for name in NAMES[:6] for rest in paths(root, depth - 1)]
    return found


def change(generator, root):
    """One change by the outsider; what cannot be done is not done."""
    path = os.path.join(root, *generator.choice(paths(root)))
    other = os.path.join(root, *generator.choice(paths(root)))
    kind = generator.choice(("write", "write", "append", "remove", "mkdir", "rename", "rename", "link", "chmod", "swap"))
    try:
        if kind == "write":
            with open(path, "w", encoding="ascii") as file:
                file.write("x" * generator.randrange(3000))
        elif kind == "append":
            with open(path, "a", encoding="ascii") as file:
                file.write("y" * generator.randrange(300))
        elif kind == "remove":
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
        elif kind == "mkdir":
            os.mkdir(path)
        elif kind == "rename":
            os.rename(path, other)
        elif kind == "link":
            os.symlink(str(generator.random()), path)
        elif kind == "chmod":
            os.chmod(path, generator.choice((0o600, 0o644, 0o700)))
        else:
            with open(path + ".new", "w", encoding="ascii") as file:
                file.write(str(generator.random()))
            os.rename(path + ".new", path)
    except OSError:
        pass


def look(view, seed, stop):
    """Fills the kernel's caches at awkward moments."""
    generator = random.Random(seed)
    candidates = paths(view)
    while not stop.is_set():
        path = os.path.join(view, *generator.choice(candidates))
        try:
            os.lstat(path)
            if os.path.isdir(path):
                os.listdir(path)
            else:
                with open(path, "rb") as file:
                    file.read()
        except OSError:
            pass


def describe(path):
    """What an object shows, but for its number."""
    st = os.lstat(path)
    facts = [stat.filemode(st.st_mode)]
    if stat.S_ISLNK(st.st_mode):
        facts.append(os.readlink(path))
    elif stat.S_ISREG(st.st_mode):
        with open(path, "rb") as file:
            content = file.read()
        facts += [st.st_size, content, st.st_mtime_ns]
        if len(content) != st.st_size:
            facts.append("the size is not the content's")
    return facts


def tree(root, top=""):
    """{path: what it shows} of everything but the session's own."""
    found = {}
    for name in sorted(os.listdir(os.path.join(root, top))):
        path = os.path.join(top, name)
        if path in OWN:
            continue
        found[path] = describe(os.path.join(root, path))
        if os.path.isdir(os.path.join(root, path)) and not os.path.islink(os.path.join(root, path)):
            found.update(tree(root, path))
    return found


def compare(lower, view, batch):
    """Ends the program where they differ."""
    there, shown = tree(lower), tree(view)
    for path in sorted(there.keys() | shown.keys()):
        if there.get(path) != shown.get(path):
            sys.exit(f"batch {batch}: {path}: the lower has {str(there.get(path))[:200]}, "
                     f"the view shows {str(shown.get(path))[:200]}")
    # One by one as well: a name may be looked up that no listing shows.
    for parts in paths(lower):
        path = os.path.join(*parts)
        if os.path.lexists(os.path.join(lower, path)) != os.path.lexists(os.path.join(view, path)):
            sys.exit(f"batch {batch}: {path} is there on one side only")
    with open(os.path.join(view, "own"), encoding="ascii") as own, \
            open(os.path.join(view, "changed"), encoding="ascii") as changed:
        if own.read() != "own\n" or changed.read() != "changed here\n":
            sys.exit(f"batch {batch}: the session's own files are not what they were")
    if os.path.lexists(os.path.join(view, "gone")):
        sys.exit(f"batch {batch}: what the session removed is back")


def main(lower, view, seed, batches):
    """Runs the batches."""
    generator = random.Random(seed)
    for name in ("changed", "gone"):
        with open(os.path.join(lower, name), "w", encoding="ascii") as file:
            file.write("of the lower\n")
    for name, text in (("own", "own\n"), ("changed", "changed here\n")):
        with open(os.path.join(view, name), "w", encoding="ascii") as file:
            file.write(text)
    os.unlink(os.path.join(view, "gone"))
    stop = multiprocessing.Event()
    lookers = [multiprocessing.Process(target=look, args=(view, seed + n, stop)) for n in range(2)]
    for process in lookers:
        process.start()
    try:
        for batch in range(batches):
            for _ in range(generator.randrange(5, 60)):
                change(generator, lower)
            time.sleep(SEEN_S)
            compare(lower, view, batch)
    finally:
        stop.set()
        for process in lookers:
            process.join()
    print(f"seed {seed}: {batches} batches")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
