r"""requirements.txt, as pip reads it, with the place of everything.

Comments, `\\` at the end of a line, `-r` and `-c` to files inside the folder, `--hash` and other options of a
requirement, index options, paths, addresses and editables. Variables (`${NAME}`) are not expanded.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator

from ..patterns import pattern
from .collecting import Collected, Logical, Piece
from .requirement import InvalidRequirementError, parse_requirement
from .texts import UnreadableError, split_lines
from .types import Line

MAX_FILES = 50
# With the hashes of every file of a package that has hundreds; and a requirement without them.
MAX_LINE = 64 << 10
MAX_REQUIREMENT = 4 << 10

_COMMENT = pattern(r"(?:^|\s)#")
_INCLUDE = pattern(r"(?:-(?P<short>[rc])\s*|--(?P<long>requirement|constraint)(?:\s+|\s*=\s*))(?P<target>.+)")
_OPTION = pattern(r"--?[A-Za-z]")
_TRAILING = pattern(r"\s(?=--?[A-Za-z])")
_PATH = pattern(
    r"[./~\\]|file:|[A-Za-z]:[\\/]|[^@;\s]*[\\/]|[^@;\s]*\.(?:whl|zip|tar\.gz|tar\.bz2|tgz)(?:$|[\s#;\[])",
    re.IGNORECASE,
)
_OF_LINE = frozenset(
    (
        *("-i", "--index-url", "--extra-index-url", "--no-index", "-f", "--find-links"),
        *("--trusted-host", "--no-binary", "--only-binary", "--prefer-binary", "--pre", "--require-hashes"),
        *("--use-feature", "-e", "--editable"),
    )
)
_OF_REQUIREMENT = frozenset(
    ("--hash", "--global-option", "--install-option", "--config-settings", "--config-setting", "-C")
)


def logical_lines(file: str, text: str) -> Iterator[Logical]:
    r"""The lines of `text`, joined at `\\` and without comments; empty ones are left out."""
    lines = split_lines(file, text)
    pieces: list[Piece] = []
    joined = ""
    for number, line in enumerate(lines, 1):
        if not pieces and "#" not in line and not line.endswith("\\"):
            if line and not line.isspace():
                piece = Piece(offset=0, line=number, column=1, length=len(line))
                yield Logical(file=file, text=line, pieces=(piece,), last_line=number)
            continue
        # As in pip, a comment line ends a continuation, even if it ends in a backslash.
        comment = line.lstrip().startswith("#")
        more = line.endswith("\\") and not comment
        part = (" " if comment and pieces else "") + (line.rstrip("\\") if more else line)
        pieces.append(Piece(offset=len(joined), line=number, column=1, length=len(part)))
        joined += part
        if more and number < len(lines):
            continue
        found = _COMMENT.search(joined)
        stripped = joined[: found.start()].rstrip() if found else joined
        if stripped.strip():
            yield Logical(file=file, text=stripped, pieces=tuple(pieces), last_line=number, open_ended=more)
        pieces, joined = [], ""


def read_requirements(relative: str, out: Collected, *, constraints: bool = False) -> None:
    """Add the requirements of a file, and of those that it names, to `out`. Raises UnreadableError for the file."""
    label = out.folder.label(relative)
    if not out.enter(label):
        return
    text = out.folder.read(relative)
    base = posixpath.dirname(relative)
    for line in logical_lines(label, text):
        take_line(line, out, base=base, constraints=constraints)


def take_line(line: Logical, out: Collected, *, base: str = "", constraints: bool = False) -> None:
    """Add one logical line to `out`; `base` is the folder of its file, relative to that of the environment."""
    text, start = line.strip()
    out.count(line.span(start, start + len(text)))
    if len(text) > MAX_LINE:
        out.problem(f"the line is longer than {MAX_LINE:,} characters", line.span(start, start + 1))
        return
    included = _INCLUDE.fullmatch(text)
    if included:
        _include(line, included, start, out, base=base, constraints=constraints)
    elif _OPTION.match(text):
        option = re.split(r"[\s=]", text, maxsplit=1)[0]
        known = option in _OF_LINE or any(text.startswith(o) for o in ("-i", "-f", "-e") if text[1:2] != "-")
        span = line.span(start, start + len(text))
        if known:
            out.lines.append(Line(text=text, span=span))
        else:
            out.problem(f"pip knows no option {option[:60]} here", span)
    elif _PATH.match(text) or (re.match(r"[a-z][a-z0-9+.-]*:", text, re.IGNORECASE) and " @" not in text):
        out.lines.append(Line(text=text, span=line.span(start, start + len(text))))
    else:
        _requirement(line, text, start, out, constraints=constraints)


def _requirement(line: Logical, text: str, start: int, out: Collected, *, constraints: bool) -> None:
    cut = _TRAILING.search(text)
    head = text[: cut.start()].rstrip() if cut else text
    if len(head) > MAX_REQUIREMENT:
        what = f"{_shorten(head)!r} is not a requirement: it is longer than {MAX_REQUIREMENT:,} characters"
        out.problem(what, line.span(start, start + 1))
        return
    try:
        found = parse_requirement(head, lambda a, b: line.span(start + a, start + b))
    except InvalidRequirementError as error:
        span = line.span(start + error.start, start + error.end)
        out.problem(f"{_shorten(head)!r} is not a requirement: {error.message}", span, hint=error.hint)
        return
    (out.constraints if constraints else out.pip).append(found)
    if cut is None:
        return
    starts = [m.end() for m in _TRAILING.finditer(text)]
    for begin, end in zip(starts, [*starts[1:], len(text)], strict=True):
        option = text[begin:end].strip()
        name = re.split(r"[\s=]", option, maxsplit=1)[0]
        span = line.span(start + begin, start + begin + len(option))
        if name in _OF_REQUIREMENT or name.startswith("-C"):
            out.lines.append(Line(text=option, span=span))
        else:
            out.problem(f"pip knows no option {name[:60]} behind a requirement", span)


def _include(line: Logical, found: re.Match[str], start: int, out: Collected, *, base: str, constraints: bool) -> None:
    target = found["target"].strip().strip("'\"")
    span = line.span(start + found.start("target"), start + found.end("target"))
    is_constraint = constraints or (found["short"] or found["long"][0]) == "c"
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", target):
        hint = "copy the file into the folder and name it here"
        out.problem(f"{_shorten(target)!r} is an address", span, hint=hint, code="EB103")
        return
    if "\0" in target:
        out.problem("a file name holds a NUL character", span)
        return
    relative = posixpath.normpath(posixpath.join(base, target.replace("\\", "/")))
    if posixpath.isabs(relative) or relative.split("/")[0] == "..":
        out.problem(
            f"{_shorten(target)!r} lies outside of the folder",
            span,
            hint="copy the file into the folder and name it here",
            code="EB103",
        )
        return
    if len(out.files) >= MAX_FILES:
        out.problem(f"more than {MAX_FILES} requirements files name one another", span)
        return
    known = len(out.files)
    try:
        read_requirements(relative, out, constraints=is_constraint)
    except UnreadableError as error:
        del out.files[known:]
        place = span
        real = os.path.realpath(out.folder.root / relative)
        inside = out.folder.encloses(real) and os.path.lexists(real)
        if inside and error.line > 1:
            place = error.problem("EB101", out.folder.label(relative)).span or span
        out.problem(
            error.message,
            place,
            hint=error.hint or ("" if inside else "copy the file into the folder, or take the line out"),
            code="EB101" if inside else "EB103",
        )


def _shorten(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."
