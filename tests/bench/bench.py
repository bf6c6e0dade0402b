# SPDX-License-Identifier: MIT
"""Runs the workloads on all contenders in turn, round by round, and prints ratios of medians.

Started by bench.sh, in namespaces of its own.
"""

import argparse
import json
import os
import platform
import shutil
import sys
import time
import traceback
from statistics import median

import contenders
import memory
import report
import transactions
import workloads


class Bench:
    """The conditions of a suite: where, on which processors, how much."""

    def __init__(self, args):
        self.bin_dir = os.environ.get("SESSIONFS_BIN") or os.path.join(args.top, "build", "bin")
        self.out_dir = os.path.join(args.top, "build", "bench")
        self.memory_dir = args.memory_dir
        self.disk_dir = args.disk_dir
        self.base_dir = args.memory_dir
        self.cpus = os.sched_getaffinity(0)
        self.rounds = args.rounds
        self.round = 0
        self.files = 2000 if args.quick else 10_000
        self.headers = 500 if args.quick else 2000
        self.io_mib = 64
        self.io_ms = 100 if args.quick else 200
        self.starts = 40
        self.sessions = 200 if args.quick else 1000
        self.against = args.against
        self.only = args.contender
        self.tarball = self.repository = None

    def program(self, name):
        return os.path.join(self.out_dir, name)

    def new_base(self, suite, name):
        path = os.path.join(self.base_dir, suite.replace(",", "").replace(" ", "-"), name)
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
        return path

    def contenders(self, suite):
        """Makes those that take part; nothing is mounted yet."""
        made = [kind(self.new_base(suite, kind.name)) for kind in contenders.RIVALS
                if self.takes_part(kind.name)]
        if self.takes_part("sessionfs"):
            base = self.new_base(suite, "sessionfs")
            made.insert(1, contenders.Sessionfs(base, self.bin_dir))
        if self.takes_part("no-passthrough"):
            base = self.new_base(suite, "no-passthrough")
            made.append(contenders.SessionfsPlain(base, self.bin_dir))
        for name, _, bin_dir in (spec.partition("=") for spec in self.against):
            made.append(contenders.Sessionfs(self.new_base(suite, name), bin_dir))
            made[-1].name = name
        return made

    def takes_part(self, name):
        return not self.only or name in self.only


def run_suite(bench, title, kinds):
    """Each round runs each workload on each contender, beginning with another one each time."""
    field = bench.contenders(title)
    loads = [kind(bench) for kind in kinds]
    tables = [report.Table(f"{load.name}: {title}", load.unit, load.higher) for load in loads]
    try:
        for contender in field:
            for load in loads:
                if contender.name not in load.skips:
                    load.prepare(contender)
            contender.set_up()
            contender.pin(bench.cpus)
        for bench.round in range(bench.rounds):
            for load, table in zip(loads, tables):
                for turn in range(len(field)):
                    contender = field[(bench.round + turn) % len(field)]
                    if contender.name in load.skips:
                        continue
                    table.add(contender.name, load.run(contender))
            progress(f"{title}: round {bench.round + 1} of {bench.rounds}")
    finally:
        for contender in field:
            contender.tear_down()
            shutil.rmtree(contender.base, ignore_errors=True)
    # Turns change who comes first: the order of the columns is that of the field.
    for table in tables:
        for metric, row in table.figures.items():
            table.figures[metric] = {c.name: row[c.name] for c in field if c.name in row}
        print("\n" + table.render(), flush=True)
    return [table.as_json() for table in tables]


def run_starts(bench):
    """What `run` costs over a plain exec of the same program."""
    contender = contenders.Sessionfs(bench.new_base("start", "sessionfs"), bench.bin_dir)
    table = report.Table("start of a run, 200 times", "ms", False)
    load = workloads.Workload(bench)
    loop = [bench.program("startloop"), str(bench.starts)]
    program = shutil.which("true")
    try:
        contender.set_up()
        commands = {"exec": [program],
                    "unshare --mount": [shutil.which("unshare"), "--mount", program],
                    "sessionfs run, a session": contender.command("run", "--session", "s", "--",
                                                                  program),
                    "sessionfs run, a fresh one": contender.command("run", "--", program)}
        for _ in range(5):
            for metric, command in commands.items():
                output = load.client([*loop, *command])
                for line in output.split():
                    table.add("start", {metric: float(line) * 1e3})
    finally:
        contender.tear_down()
    rows = [(metric, [f"{median(row['start']):.2f}",
                      f"{median(row['start']) - median(table.figures['exec']['start']):.2f}"])
            for metric, row in table.figures.items()]
    print("\n" + "\n".join([table.title, *report.align(["", "ms", "over exec, ms"], rows)]),
          flush=True)
    return [{**table.as_json(), "figures": None}]


def run_memory(bench):
    figures = memory.measure(bench, bench.sessions)
    rows = [(what, [f"{value:,.0f}"]) for what, value in figures.items()]
    print("\n" + "\n".join(["memory", *report.align(["", "bytes"], rows)]), flush=True)
    return [{"title": "memory", "unit": "bytes", "medians": figures}]


def run_transactions(bench):
    figures = transactions.measure(bench, bench.files)
    rows = [(what, [f"{value:,.2f}"]) for what, value in figures.items()]
    print("\n" + "\n".join(["transactions", *report.align(["", "ms"], rows)]), flush=True)
    return [{"title": "transactions", "unit": "ms", "medians": figures}]


def progress(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def suites(bench, chosen):
    """(name, function) of each suite; the conditions are set before its function runs."""
    everything = [kind for kind in workloads.ALL if not chosen or kind.name in chosen]
    of_disk = [kind for kind in everything
               if kind in (workloads.Io, workloads.Maps, workloads.Trees)]
    one, all_cpus = {min(bench.cpus)}, set(bench.cpus)
    disk = workloads.file_system(bench.disk_dir)

    def on(base_dir, cpus, title, kinds):
        def run():
            bench.base_dir, bench.cpus = base_dir, cpus
            return run_suite(bench, title, kinds) if kinds else []
        return run

    def here(function):
        def run():
            bench.base_dir, bench.cpus = bench.memory_dir, all_cpus
            return function(bench)
        return run

    return [("pinned", on(bench.memory_dir, one, "in memory, one CPU", everything)),
            ("all", on(bench.memory_dir, all_cpus, "in memory, all CPUs", everything)),
            ("disk-pinned", on(bench.disk_dir, one, f"on {disk}, one CPU", of_disk)),
            ("disk", on(bench.disk_dir, all_cpus, f"on {disk}, all CPUs", of_disk)),
            ("start", here(run_starts)), ("memory", here(run_memory)), ("transactions", here(run_transactions))]


def parse():
    env_rounds = os.environ.get("ROUNDS")
    quick = os.environ.get("QUICK") == "1"
    parser = argparse.ArgumentParser(prog="bench.sh")
    parser.add_argument("--top", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--memory-dir", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--disk-dir", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=int(env_rounds) if env_rounds else None)
    parser.add_argument("--quick", action="store_true", default=quick,
                        help="fewer and smaller: about eight minutes")
    parser.add_argument("--suite", action="append",
                        choices=["pinned", "all", "disk-pinned", "disk", "start", "memory",
                                 "transactions"])
    parser.add_argument("--workload", action="append", choices=[w.name for w in workloads.ALL])
    parser.add_argument("--contender", action="append",
                        help="native, sessionfs, overlayfs, fuse-overlayfs, bindfs, "
                             "no-passthrough")
    parser.add_argument("--against", action="append", default=[], metavar="NAME=DIR",
                        help="another build, by its bin directory, as one contender more")
    args = parser.parse_args()
    args.rounds = args.rounds or (3 if args.quick else 5)
    return args


def main():
    args = parse()
    bench = Bench(args)
    start = time.monotonic()
    result = {"kernel": platform.release(), "cpus": os.cpu_count(), "rounds": bench.rounds,
              "files": bench.files, "tables": []}
    failed = False
    result["headers"] = workloads.make_material(bench)
    for name, run in suites(bench, args.workload):
        if args.suite and name not in args.suite:
            continue
        try:
            result["tables"] += run()
        except Exception:  # the next suite can still tell something
            traceback.print_exc()
            failed = True
    result["seconds"] = round(time.monotonic() - start, 1)
    path = os.path.join(bench.out_dir, "result.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
    print(f"\nLinux {result['kernel']}, {result['cpus']} CPUs; ratios are speed against "
          f"{report.REFERENCE}, of medians of {bench.rounds} interleaved rounds; "
          f"{result['seconds']:.0f} s. Raw figures: {path}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
