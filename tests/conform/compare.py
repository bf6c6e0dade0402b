#!/usr/bin/python3
"""Compares the transcripts of the conformance cases, and the differences with those that are known.

Usage: compare.py TRANSCRIPTS DIFFERENCES DOCUMENT [--propose]

TRANSCRIPTS is a folder of files TARGET.PERSON.ORIGIN. A view (targets passthrough, nopassthrough)
has to give what the native directory gave. What else it gives is in DIFFERENCES:

    [REASON]                        the first cell of a row of a table in DOCUMENT
    CASE [who=..] [origin=..] [on=..]
    -a line of the native transcript that the view does not have
    +a line that it has instead

CASE is a name or a glob; who, origin and on (passthrough, nopassthrough) restrict it, to several by
commas. Where no lines follow, the view gives what overlayfs gives there. An entry that some run in
its scope no longer shows is as wrong as a difference without an entry. --propose prints what is
not known as entries.
"""

import difflib
import fnmatch
import os
import re
import sys

VIEWS = ("passthrough", "nopassthrough")


def transcripts(path):
    """Returns {case: lines} of a file."""
    cases, lines = {}, None
    with open(path, encoding="utf-8") as file:
        for line in file.read().split("\n")[:-1]:
            if line.startswith("== "):
                lines = cases[line[3:]] = []
            else:
                lines.append(line)
    return cases


def difference(expected, actual):
    """Returns the lines that differ, as "-..." and "+..."."""
    found = []
    matcher = difflib.SequenceMatcher(None, expected, actual, autojunk=False)
    for what, i, j, k, m in matcher.get_opcodes():
        if what != "equal":
            found += ["-" + line for line in expected[i:j]]
            found += ["+" + line for line in actual[k:m]]
    return found


class Entry:
    """A known difference."""

    def __init__(self, reason, line, number):
        words = line.split()
        self.reason, self.case, self.number = reason, words[0], number
        self.scope = dict(word.split("=", 1) for word in words[1:])
        self.lines = []
        self.runs = 0
        if unknown := set(self.scope) - {"who", "origin", "on"}:
            sys.exit(f"differences:{number}: what is {unknown}?")

    def covers(self, run):
        return fnmatch.fnmatchcase(run["case"], self.case) and all(
            run[key] in values.split(",") for key, values in self.scope.items())


def known(path):
    """Reads the entries."""
    entries, reason = [], None
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            if line.startswith("[") and line.endswith("]"):
                reason = line[1:-1]
            elif line.startswith(("-", "+")):
                entries[-1].lines.append(line)
            elif line and not line.startswith("#"):
                entries.append(Entry(reason, line, number))
    return entries


def undocumented(entries, document):
    """Reasons for which no table of the document has a row."""
    with open(document, encoding="utf-8") as file:
        cells = {match[1].strip() for match in re.finditer(r"^\|([^|]*)\|", file.read(), re.M)}
    return sorted({str(entry.reason) for entry in entries} - cells)


def runs(folder):
    """Yields every case that was played on a view, with what the others gave."""
    for name in sorted(os.listdir(folder)):
        target, who, origin = name.split(".")
        if target not in VIEWS:
            continue
        native = transcripts(os.path.join(folder, f"native.{who}.lower"))
        overlayfs = transcripts(os.path.join(folder, f"overlayfs.{who}.{origin}"))
        view = transcripts(os.path.join(folder, name))
        for case, lines in view.items():
            yield {"case": case, "who": who, "origin": origin, "on": target, "view": lines,
                   "native": native.get(case), "overlayfs": overlayfs[case]}


def wrong_with(run, entries):
    """Returns what is wrong with a run: None, or lines that say so."""
    if run["native"] is None:
        run["native"] = run["overlayfs"]
    found = difference(run["native"], run["view"])
    covering = [entry for entry in entries if entry.covers(run)]
    for entry in covering:
        entry.runs += 1
    if len(covering) > 1:
        return [f"two entries are about it: lines {[entry.number for entry in covering]}"]
    if not covering:
        return found or None
    if covering[0].lines:
        return None if found == covering[0].lines else [
            f"not as differences:{covering[0].number} has it: it is now", *found]
    if not found:
        return [f"does not differ any more: take differences:{covering[0].number} out"]
    if run["view"] != run["overlayfs"]:
        return [f"not as overlayfs, as differences:{covering[0].number} has it: it is", *found]
    return None


def others(run):
    """Says how overlayfs did where a view is wrong."""
    if run["overlayfs"] == run["native"]:
        return "overlayfs is as native"
    if run["overlayfs"] == run["view"]:
        return "overlayfs is as the view"
    return "overlayfs: " + " | ".join(difference(run["native"], run["overlayfs"]))


def scope_of(all_runs, found):
    """Names the restrictions under which runs of a case are: as one entry can say them."""
    words = []
    for key in ("who", "origin", "on"):
        there = sorted({run[key] for run in found})
        if there != sorted({run[key] for run in all_runs}):
            words.append(f"{key}={','.join(there)}")
    return words


def main(folder, differences, document, propose=False):
    entries = known(differences)
    wrong, count, by_case = {}, 0, {}
    for run in runs(folder):
        count += 1
        by_case.setdefault(run["case"], []).append(run)
        if lines := wrong_with(run, entries):
            wrong.setdefault((run["case"], tuple(lines), others(run)), []).append(run)
    for (case, lines, _), found in wrong.items():
        if propose:
            print(" ".join([case, *scope_of(by_case[case], found)]), "#", others(found[0]))
        else:
            names = [f"{run['on']}.{run['who']}.{run['origin']}" for run in found]
            print(f"{case}: {' '.join(names)} ({others(found[0])})")
        print("\n".join(lines))
    families = {case.split("/")[0] for case in by_case}
    for entry in entries:
        if entry.runs or os.environ.get("CONFORM_ONLY") or entry.case.split("/")[0] not in families:
            continue
        print(f"differences:{entry.number}: no case is called {entry.case}")
        wrong[entry.number] = entry
    for reason in undocumented(entries, document):
        print(f"{os.path.basename(document)} has no row for: {reason}")
        wrong[reason] = reason
    print(f"{len(by_case)} cases, {count} runs on views, {len(wrong)} wrong")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:4], propose=sys.argv[4:] == ["--propose"]))
