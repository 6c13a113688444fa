"""The table of a trial, for people and for a log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .terminal import Terminal, printable
from .text import duration, plural, table

if TYPE_CHECKING:
    from ..local.checks import Trial

_STYLES = {"passed": "bold green", "failed": "bold red", "skipped": "dim"}


def lines(trial: Trial, out: Terminal) -> list[str]:
    """The table, the whole reason of each failure, the log's last lines where something failed, and the sum."""
    rows = [
        (
            out.style(_STYLES[check.result], check.result),
            printable(check.name),
            duration(check.seconds) if check.result != "skipped" else "",
            printable(" ".join(check.reason.split())),
        )
        for check in trial.checks
    ]
    head, *body = table(("", "check", "time", ""), rows, right=frozenset({2}), width=out.width)
    text = [out.style("dim", head), *body, ""]
    for check in trial.checks:
        if check.result == "failed":
            first, *rest = check.reason.split("\n")
            text.append(f"{out.style('bold red', 'failed')}: {printable(check.name)}: {printable(first)}")
            text += [printable(f"  {line}") for line in rest]
            if check.hint:
                text.append(f"{out.style('bold cyan', 'hint')}: {printable(check.hint)}")
    if trial.log and not trial.passed:
        text += ["", out.style("dim", "the server's last words:")]
        text += [printable(f"  {line}") for line in trial.log.split("\n")]
    counts = {result: sum(check.result == result for check in trial.checks) for result in _STYLES}
    parts = [f"{count} {result}" for result, count in counts.items() if count]
    where = f"{printable(trial.subject)} behind the {trial.server} server {trial.where}"
    return [*text, f"{plural(len(trial.checks), 'checks')} of {where}: {', '.join(parts)}"]


def write(trial: Trial, out: Terminal) -> None:
    """Write the table to a terminal that is not for results."""
    for line in lines(trial, out):
        out.line(line)
