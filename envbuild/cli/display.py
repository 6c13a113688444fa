"""What a person sees while a command works: one line a phase, and on a terminal a live line for what runs.

The live lines are redrawn with a few escape codes: a drawing library takes longer to import than a warm build
takes to run.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from types import TracebackType

from ..progress import Phase, Progress, Summary
from .terminal import Terminal, printable
from .text import cut, duration, plural, size

VERBS: dict[Phase, tuple[str, str]] = {
    "read": ("Reading", "Read"),
    "lint": ("Checking", "Checked"),
    "base": ("Opening", "Opened"),
    "resolve": ("Resolving", "Resolved"),
    "hash": ("Hashing", "Hashed"),
    "fetch": ("Fetching", "Fetched"),
    "install": ("Installing", "Installed"),
    "layer": ("Layering", "Layered"),
    "build": ("Building", "Built"),
    "attest": ("Attesting", "Attested"),
    "load": ("Loading", "Loaded"),
    "start": ("Starting", "Started"),
    "test": ("Testing", "Tested"),
    "write": ("Writing", "Wrote"),
    "compress": ("Compressing", "Compressed"),
    "push": ("Pushing", "Pushed"),
    "sign": ("Signing", "Signed"),
}
_FRAME = 0.1  # seconds between two drawings of the live lines
_PATIENCE = 10.0  # seconds after which plain output tells how far a phase is


@dataclass(slots=True, kw_only=True)
class _Running:
    what: str
    total: int
    started: float
    told: float
    amount: int = 0
    item: str = ""


class Display(Progress):
    """Plain lines on `terminal`. Use it as a context; `notes` and `warnings` keep what was told."""

    def __init__(self, terminal: Terminal, *, quiet: bool = False) -> None:
        self.terminal = terminal
        self.quiet = quiet
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self._lock = threading.RLock()
        self._running: dict[Phase, _Running] = {}

    def __enter__(self) -> Display:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave nothing unfinished on the terminal."""

    def start(self, phase: Phase, what: str = "", *, total: int = 0) -> None:
        """Remember when `phase` began."""
        now = time.monotonic()
        with self._lock:
            known = self._running.get(phase)
            began = known.started if known else now
            self._running[phase] = _Running(what=printable(what), total=total, started=began, told=now)

    def advance(self, phase: Phase, amount: int = 1, *, what: str = "") -> None:
        """Count; a phase that takes long says now and then how far it is."""
        with self._lock:
            running = self._running.setdefault(phase, _new())
            running.amount += amount
            running.item = printable(what) or running.item
            if time.monotonic() - running.told > _PATIENCE:
                running.told = time.monotonic()
                self._still(phase, running)

    def done(self, phase: Phase, summary: Summary) -> None:
        """Write the closing line of `phase`."""
        with self._lock:
            running = self._running.pop(phase, None) or _new()
            if not self.quiet:
                self._write(self._closing(phase, running, summary))

    def output(self, phase: Phase, line: str) -> None:
        """Write a line of a program that works for `phase`."""
        self.line(f"{''.rjust(10)} {printable(line)}".rstrip())

    def note(self, message: str) -> None:
        """Write `note: message`."""
        with self._lock:
            self.notes.append(message)
            self._message("cyan", "note", message)

    def warn(self, message: str) -> None:
        """Write `warning: message`."""
        with self._lock:
            self.warnings.append(message)
            self._message("bold yellow", "warning", message)

    def line(self, text: str = "") -> None:
        """Write one more line, styled by the caller; nothing when quiet."""
        with self._lock:
            if not self.quiet:
                self._write(text)

    def verb(self, verb: str, rest: str) -> None:
        """Write one line that begins with a verb, in the column of the phases."""
        self.line(f"{self.terminal.style('bold green', verb.rjust(10))} {rest}")

    def _message(self, style: str, label: str, message: str) -> None:
        if not self.quiet:
            self._write(f"{self.terminal.style(style, label)}: {printable(message)}")

    def _still(self, phase: Phase, running: _Running) -> None:
        if not self.quiet:
            self._write(f"{VERBS[phase][0].rjust(10)} {self._amounts(running)}")

    def _write(self, text: str) -> None:
        self.terminal.line(text)

    def _closing(self, phase: Phase, running: _Running, summary: Summary) -> str:
        style, dot = self.terminal.style, self.terminal.dot
        detail = printable(summary.detail)
        counted = plural(summary.count, summary.noun or "items") if summary.count or summary.noun else ""
        if phase == "lint" and not summary.count:
            counted, detail = "the model", "no findings"
        # `10 wheels` that had to be fetched, of the `53 wheels` there are: one number is enough.
        told = running.what in detail or running.what.endswith(f" {summary.noun}")
        parts = [part for part in ("" if told else running.what, counted, detail) if part]
        parts += [size(summary.size)] if summary.size else []
        parts += [part] if (part := from_cache(summary)) else []
        took = style("dim", duration(time.monotonic() - running.started))
        verb = style("bold green", VERBS[phase][1].rjust(10))
        return f"{verb} {dot.join([*parts, took])}"

    def _amounts(self, running: _Running) -> str:
        """`12.1 MB of 96.0 MB` or `3 of 14`; a number that no count of items reaches is bytes."""
        parts = [running.what] if running.what else []
        if running.amount or running.total:
            as_bytes = max(running.amount, running.total) >= 50_000
            amount = size(running.amount) if as_bytes else str(running.amount)
            whole = size(running.total) if as_bytes else str(running.total)
            parts.append(f"{amount} of {whole}" if running.total else amount)
        parts.append(duration(time.monotonic() - running.started))
        parts += [running.item] if running.item else []
        return self.terminal.dot.join(parts)


class LiveDisplay(Display):
    """The same lines, and below them one live line for each phase that runs."""

    def __init__(self, terminal: Terminal, *, quiet: bool = False) -> None:
        super().__init__(terminal, quiet=quiet)
        self._drawn = 0
        self._over = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="display", daemon=True)

    def __enter__(self) -> Display:
        if not self.quiet:
            self._ticker.start()
        return self

    def close(self) -> None:
        """Stop drawing and take the live lines away."""
        self._over.set()
        if self._ticker.is_alive():
            self._ticker.join(timeout=1)
        with self._lock:
            self._emit(self._erase())

    def _tick(self) -> None:
        while not self._over.wait(_FRAME):
            with self._lock:
                if not self._over.is_set():
                    self._emit(self._erase() + self._draw())

    def _still(self, phase: Phase, running: _Running) -> None:
        """The live line tells already."""

    def _write(self, text: str) -> None:
        self._emit(self._erase() + text + "\n")

    def _erase(self) -> str:
        up = f"\x1b[{self._drawn - 1}A" if self._drawn > 1 else ""
        text = f"\r{up}\x1b[J" if self._drawn else ""
        self._drawn = 0
        return text

    def _draw(self) -> str:
        # A phase that is over before the eye sees it needs no live line.
        late = time.monotonic() - _FRAME
        rows = [(p, r) for p, r in self._running.items() if r.started < late]
        self._drawn = len(rows)
        room = self.terminal.width - 12
        style = self.terminal.style
        return "\n".join(
            f"{style('bold cyan', VERBS[phase][0].rjust(10))} {cut(self._amounts(running), room)}"
            for phase, running in rows
        )

    def _emit(self, text: str) -> None:
        # Straight to the descriptor: a forked worker must not inherit half a line in a buffer, nor its lock.
        if not text:
            return
        data = text.encode(self.terminal.stream.encoding or "utf-8", "backslashreplace")
        try:
            while data:
                data = data[os.write(self.terminal.stream.fileno(), data) :]
        except OSError:
            return


def display(terminal: Terminal, *, quiet: bool = False) -> Display:
    """The display that suits `terminal`."""
    return (LiveDisplay if terminal.animate and not quiet else Display)(terminal, quiet=quiet)


def from_cache(summary: Summary) -> str:
    """How much was at hand: `all from cache`, `38 from cache (90.1 MB)`, or nothing to say."""
    if not summary.cached:
        return ""
    if summary.cached >= summary.count:
        return "all from cache" if summary.count > 1 else "from cache"
    return f"{summary.cached} from cache" + (f" ({size(summary.cached_size)})" if summary.cached_size else "")


def _new() -> _Running:
    now = time.monotonic()
    return _Running(what="", total=0, started=now, told=now)
