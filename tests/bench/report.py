# SPDX-License-Identifier: MIT
"""Medians, ratios, and how they are printed."""

from statistics import median

REFERENCE = "native"
RIVALS = ("fuse-overlayfs", "bindfs")  # in user space: the faster one counts
OURS = "sessionfs"


class Table:
    """The figures of one workload in one suite: {metric: {contender: [figure of each round]}}."""

    def __init__(self, title, unit, higher):
        self.title = title
        self.unit = unit
        self.higher = higher
        self.figures = {}

    def add(self, contender, figures):
        for metric, figure in figures.items():
            self.figures.setdefault(metric, {}).setdefault(contender, []).append(figure)

    def speed(self, metric, contender, reference):
        """How fast one is against another, above 1 the faster; None where one is missing."""
        row = self.figures[metric]
        if contender not in row or reference not in row:
            return None
        a, b = median(row[contender]), median(row[reference])
        return a / b if self.higher else b / a

    def against_rivals(self, metric):
        """How fast we are against the faster of the rivals; None where there is none."""
        speeds = [self.speed(metric, OURS, rival) for rival in RIVALS]
        return min((speed for speed in speeds if speed is not None), default=None)

    def contenders(self):
        names = []
        for row in self.figures.values():
            names += [name for name in row if name not in names]
        return names

    def medians(self):
        return {metric: {name: median(values) for name, values in row.items()}
                for metric, row in self.figures.items()}

    def render(self):
        others = [name for name in self.contenders() if name != REFERENCE]
        head = [f"{REFERENCE}, {self.unit}", f"{OURS}, {self.unit}"]
        head += [f"{name}" for name in others] + ["vs best rival"]
        rows = []
        for metric, row in self.figures.items():
            cells = [number(median(row[name])) if name in row else "-"
                     for name in (REFERENCE, OURS)]
            cells += [ratio(self.speed(metric, name, REFERENCE)) for name in others]
            cells.append(ratio(self.against_rivals(metric)))
            rows.append((metric, cells))
        return "\n".join([self.title, *align(["", *head], rows)])

    def as_json(self):
        return {"title": self.title, "unit": self.unit, "higher_is_better": self.higher,
                "figures": self.figures, "medians": self.medians()}


def align(head, rows):
    """Lines of a Markdown table, for terminals too."""
    cells = [head, *[[metric, *row] for metric, row in rows]]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    lines = [line_of(line, widths) for line in cells]
    rule = [widths[0] * "-"] + [(width - 1) * "-" + ":" for width in widths[1:]]
    return [lines[0], line_of(rule, widths), *lines[1:]]


def line_of(cells, widths):
    first = cells[0].ljust(widths[0])
    rest = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:])]
    return "| " + " | ".join([first, *rest]) + " |"


def number(value):
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


def ratio(value):
    if value is None:
        return "-"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
