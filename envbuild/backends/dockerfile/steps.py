"""What a build says while it works: progress for the person, and the end of a failed step's output.

A builder's reader tells `Steps` of each step that begins, is taken from the cache, speaks or fails. Nothing that is
known to be secret passes through.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ...errors import EngineError
from ...patterns import pattern
from ...progress import Progress
from ...resolver.indexes import without_credentials
from .instructions import Instruction, instructions

LAST_LINES = 15
_WIDTH = 400  # characters of an output line that are kept
_ANSI = pattern(r"\x1b\[[0-9;?]*[A-Za-z]")
_PARSE_ERROR = pattern(r"(?i)(?:parse error|syntax error)\D{0,20}line:? (\d+)")
_HINTS = (
    (
        pattern(r"(?i)exec format error"),
        (
            "the engine cannot run programs of that platform: --backend assemble builds the image without running any; "
            "or give the engine's kernel an emulator (Debian: qemu-user-static and binfmt-support)"
        ),
    ),
    (
        pattern(r"(?i)no space left on device"),
        "free space on the engine's disk: `docker system df` shows what takes it",
    ),
    (
        pattern(r"(?i)network\.host is not allowed"),
        (
            "this BuildKit allows no host network: start it with --allow-insecure-entitlement network.host, or choose "
            "another with `docker buildx use default`"
        ),
    ),
    (
        pattern(r"(?i)failed to (?:create endpoint|set up container networking)|network \S+ not found"),
        "the engine has no network for builds: --build-network host gives it the host's",
    ),
    (
        pattern(r"(?i)certificate.verify.failed|self.signed certificate|unable to get local issuer"),
        (
            "name your certificate authority's file in SSL_CERT_FILE or PIP_CERT, or send the packages along with "
            "--wheels context"
        ),
    ),
    (
        pattern(
            r"(?i)name or service not known|temporary failure in name resolution|name resolution|network is unreachable"
            r"|connection refused|newconnectionerror|connecttimeout|no route to host|no matching distribution"
        ),
        (
            "the build may not reach the package index: --build-network host gives it the host's network, and "
            "--wheels context sends the packages along"
        ),
    ),
    (
        pattern(
            r"(?i)pull access denied|manifest unknown|unauthorized|no basic auth credentials|failed to do request"
            r"|failed to resolve source metadata"
        ),
        "the engine pulls the base itself: log in with `docker login`, or name another with --base",
    ),
)
_LOOK = "`envbuild dockerfile MODEL -o DIR` writes the same context, to look into and to build by hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A step that ended well: its instruction where it is known, and whether the builder had it cached."""

    instruction: Instruction | None
    cached: bool


@dataclass(slots=True)
class _Step:
    title: str
    instruction: Instruction | None
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))
    cached: bool = False


class Steps:
    """The steps of one build of `dockerfile`, keyed by whatever the builder calls them.

    `hidden` are texts that must not be shown; `aloud` hands every line of output to `progress` as well.
    """

    def __init__(self, dockerfile: str, progress: Progress, *, hidden: Iterable[str] = (), aloud: bool = False) -> None:
        self.instructions = instructions(dockerfile)
        self._progress = progress
        self._hidden = sorted({text for text in hidden if len(text) >= 3}, key=len, reverse=True)
        self._aloud = aloud
        self._steps: dict[str, _Step] = {}
        self._tail: deque[str] = deque(maxlen=LAST_LINES)
        self._last = ""

    @property
    def done(self) -> tuple[Done, ...]:
        """The steps so far, in the order in which they began."""
        return tuple(Done(instruction=s.instruction, cached=s.cached) for s in self._steps.values())

    @property
    def last(self) -> str:
        """The title of the step that began last; empty before the first."""
        return self._last

    def begin(self, key: str, title: str, instruction: Instruction | None) -> None:
        """A step begins, or goes on."""
        if key in self._steps:
            return
        self._last = " ".join(self.clean(title).split())
        self._steps[key] = _Step(title=self._last, instruction=instruction)
        self._progress.advance("build", 1, what=_short(self._last))

    def cached(self, key: str) -> None:
        """The builder had the step's result."""
        if key in self._steps:
            self._steps[key].cached = True

    def said(self, line: str, key: str = "") -> None:
        """A line of output, of a step or of the builder itself."""
        text = self.clean(line)
        if self._aloud:
            self._progress.output("build", text)
        if text.strip():
            (self._steps[key].tail if key in self._steps else self._tail).append(text[:_WIDTH])

    def clean(self, text: str) -> str:
        """`text` without colours, credentials and what is hidden."""
        text = without_credentials(_ANSI.sub("", text)).rstrip()
        for secret in self._hidden:
            text = text.replace(secret, "***")
        return text

    def failure(self, reason: str, key: str = "") -> EngineError:
        """The error of a build that failed for `reason`, in the step `key` or in none."""
        reason = self.clean(reason)
        step = self._steps.get(key)
        instruction = step.instruction if step else self._named(reason)
        output = list(step.tail if step else self._tail)
        head = "the build failed" + (f" at line {instruction.line} of the Dockerfile" if instruction else "")
        lines = [f"{head}: {reason}" if reason else head]
        if instruction is not None:
            lines.append(f"  {instruction.line} | {_short(self.clean(instruction.text), 300)}")
        elif step is not None:
            lines.append(f"  {step.title}")
        if step is not None and output:
            lines.append("the last lines of its output:")
        if step is None:
            output = [line for line in output if line.strip() != reason]
        lines += [f"  {line}" for line in output]
        return EngineError("\n".join(lines), hint=_hint([reason, *output]))

    def broken(self, address: str, why: str) -> EngineError:
        """The error of an engine that went away half-way."""
        where = f" in the step {_short(self._last)}" if self._last else ""
        return EngineError(
            f"the container engine at {address} broke off the build{where}: {self.clean(why)}",
            hint="look at the daemon's log, start it again and run the command again; no image was tagged",
        )

    def _named(self, reason: str) -> Instruction | None:
        """The instruction whose line a complaint about the Dockerfile itself names."""
        match = _PARSE_ERROR.search(reason)
        if match is None:
            return None
        before = [i for i in self.instructions if i.line <= int(match[1])]
        return before[-1] if before else None


def _hint(said: Sequence[str]) -> str:
    text = "\n".join(said)
    return next((f"{hint}\n{_LOOK}" for known, hint in _HINTS if known.search(text)), _LOOK)


def _short(text: str, width: int = 70) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
