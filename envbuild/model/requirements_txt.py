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
from .pip_options import InvalidOptionError, Option, read_options
from .redact import redact
from .requirement import InvalidRequirementError, parse_requirement
from .texts import UnreadableError, split_lines
from .types import Span

MAX_FILES = 50
# With the hashes of every file of a package that has hundreds; and a requirement without them.
MAX_LINE = 64 << 10
MAX_REQUIREMENT = 4 << 10

_COMMENT = pattern(r"(?:^|\s)#")
_OPTION = pattern(r"--?[A-Za-z]")
_TRAILING = pattern(r"\s(?=--?[A-Za-z])")
_HASHED = pattern(r"\s(?=--hash(?:[=\s]|$))")
_PATH = pattern(
    r"[./~\\]|file:|[A-Za-z]:[\\/]|[^@;\s]*[\\/]|[^@;\s]*\.(?:whl|zip|tar\.gz|tar\.bz2|tgz)(?:$|[\s#;\[])",
    re.IGNORECASE,
)
# The rest of a password with a blank in it, before the @ of a host.
_REST = pattern(r"\A[^\s@]+(?=@[\w.-]+(?::\d+)?/)")
# Where pip ends a line and editors do not: such lines share their number, and differ in their columns.
_ODD_BREAK = pattern("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


def logical_lines(file: str, text: str) -> Iterator[Logical]:
    r"""The lines of `text`, joined at `\\` and without comments; empty ones are left out."""
    pieces: list[Piece] = []
    joined = ""
    for number, column, line in _pip_lines(file, text):
        if not pieces and "#" not in line and not line.endswith("\\"):
            if line and not line.isspace():
                piece = Piece(offset=0, line=number, column=column, length=len(line))
                yield Logical(file=file, text=line, pieces=(piece,), last_line=number)
            continue
        # As in pip, a comment line ends a continuation, even if it ends in a backslash.
        comment = line.lstrip().startswith("#")
        more = line.endswith("\\") and not comment
        part = (" " if comment and pieces else "") + (line.rstrip("\\") if more else line)
        pieces.append(Piece(offset=len(joined), line=number, column=column, length=len(part)))
        joined += part
        if more:
            continue
        yield from _joined(file, joined, pieces, open_ended=False)
        pieces, joined = [], ""
    yield from _joined(file, joined, pieces, open_ended=True)


def _joined(file: str, joined: str, pieces: list[Piece], *, open_ended: bool) -> Iterator[Logical]:
    found = _COMMENT.search(joined)
    stripped = joined[: found.start()].rstrip() if found else joined
    if stripped.strip():
        last = pieces[-1].line
        yield Logical(file=file, text=stripped, pieces=tuple(pieces), last_line=last, open_ended=open_ended)


def _pip_lines(file: str, text: str) -> Iterator[tuple[int, int, str]]:
    """What pip takes for a line, with the number of the line that it stands on and its first column there."""
    lines = enumerate(split_lines(file, text), 1)
    if not _ODD_BREAK.search(text):
        yield from ((number, 1, line) for number, line in lines)
        return
    for number, line in lines:
        start = 0
        for part in _ODD_BREAK.split(line):
            yield number, start + 1, part
            start += len(part) + 1


def read_requirements(relative: str, out: Collected, *, constraints: bool = False) -> None:
    """Add the requirements of a file, and of those that it names, to `out`. Raises UnreadableError for the file."""
    label = out.folder.label(relative)
    again = label in out.files
    if not out.enter(label, constraints=constraints):
        return
    text = out.folder.read(relative)
    if again:
        out.again.add(label)
    for line in logical_lines(label, text):
        take_line(line, out, bases=(posixpath.dirname(relative),), constraints=constraints)
    out.again.discard(label)


def take_line(line: Logical, out: Collected, *, bases: tuple[str, ...] = ("",), constraints: bool = False) -> None:
    """Add one logical line to `out`.

    The files that it names are looked up in `bases`: folders relative to that of the environment, the first first.
    """
    text, start = line.strip()
    out.count(line.span(start, start + len(text)))
    if len(text) > MAX_LINE:
        out.problem(f"the line is longer than {MAX_LINE:,} characters", line.span(start, start + 1))
    elif _OPTION.match(text):
        _options(line, text, start, out, bases=bases, constraints=constraints)
    elif _PATH.match(text) or (re.match(r"[a-z][a-z0-9+.-]*:", text, re.IGNORECASE) and " @" not in text):
        cut = _HASHED.search(text)
        path = text[: cut.start()].rstrip() if cut else text
        out.line(path, line.span(start, start + len(path)))
        if cut:
            _trailing(line, text, start, cut.end(), out)
    else:
        _requirement(line, text, start, out, constraints=constraints)


def _options(
    line: Logical, text: str, start: int, out: Collected, *, bases: tuple[str, ...], constraints: bool
) -> None:
    """Take a line that begins with an option. Of the files that it names pip takes one, and none beside an editable."""
    found: list[Option] = []
    fault: InvalidOptionError | None = None
    try:
        for option in read_options(text):
            found.append(option)
    except InvalidOptionError as error:
        fault = error
    found = _with_markers(found, text)
    names = [option.name for option in found]
    taken = next((name for name in ("--editable", "--requirement", "--constraint") if name in names), "")
    for index, option in enumerate(found):
        span = line.span(start + option.start, start + option.end)
        if index:
            out.count(span)
        if option.name in ("--requirement", "--constraint"):
            if option.name == taken and index == names.index(taken):
                _include(line, option, start, out, bases=bases, constraints=constraints)
            else:
                _passed_over(option, span, out, "on this line")
        elif not option.name:
            _passed_over(option, span, out, "behind an option")
        elif option.name == "--hash":
            _passed_over(option, span, out, "without a requirement", hint="write it behind its requirement")
        else:
            out.line(option.text, span)
    if fault is not None:
        out.problem(fault.message, line.span(start + fault.start, start + fault.end))


def _with_markers(found: list[Option], text: str) -> list[Option]:
    """The options, and to an editable a marker that stands behind it, of which pip takes no notice."""
    kept: list[Option] = []
    for option in found:
        last = kept[-1] if kept else None
        if last is not None and last.name == "--editable" and not option.name:
            behind = text[last.end : option.end]
            if last.text.endswith(";") or behind.lstrip().startswith(";"):
                kept[-1] = last._replace(text=last.text + behind, end=option.end)
                continue
        kept.append(option)
    return kept


def _passed_over(
    option: Option, span: Span, out: Collected, where: str, *, hint: str = "write it on a line of its own"
) -> None:
    text = option.text if "://" in option.text else _REST.sub(lambda m: "*" * len(m[0]), option.text)
    out.problem(f"pip passes over {_shorten(text)!r} {where}", span, hint=hint)


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
    if cut is not None:
        _trailing(line, text, start, cut.end(), out)


def _trailing(line: Logical, text: str, start: int, cut: int, out: Collected) -> None:
    """Take the options behind a requirement, which begin at `cut` of `text`."""
    start += cut
    try:
        for option in read_options(text[cut:], "behind a requirement"):
            span = line.span(start + option.start, start + option.end)
            if option.of_requirement:
                out.line(option.text, span)
            else:
                _passed_over(option, span, out, "behind a requirement")
    except InvalidOptionError as error:
        out.problem(error.message, line.span(start + error.start, start + error.end))


def _include(
    line: Logical, option: Option, start: int, out: Collected, *, bases: tuple[str, ...], constraints: bool
) -> None:
    written = line.text[start + option.value_start : start + option.end]
    # A shell would take the backslashes out of a Windows path.
    target = option.value if re.search(r"['\"]|\\\s", written) else written.replace("\\", "/")
    span = line.span(start + option.value_start, start + option.end)
    is_constraint = constraints or option.name == "--constraint"
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", target):
        hint = "copy the file into the folder and name it here"
        out.problem(f"{_shorten(target)!r} is an address", span, hint=hint, code="EB103")
        return
    if "\0" in target:
        out.problem("a file name holds a NUL character", span)
        return
    paths = [posixpath.normpath(posixpath.join(base, target)) for base in bases]
    inside = [path for path in paths if not posixpath.isabs(path) and path.split("/")[0] != ".."]
    if not inside:
        out.problem(
            f"{_shorten(target)!r} lies outside of the folder",
            span,
            hint="copy the file into the folder and name it here",
            code="EB103",
        )
        return
    relative = next((path for path in inside if out.folder.holds(path)), inside[0])
    label = out.folder.label(relative)
    if label not in out.files and len(out.files) >= MAX_FILES:
        out.problem(f"more than {MAX_FILES} requirements files name one another", span)
        return
    try:
        read_requirements(relative, out, constraints=is_constraint)
    except UnreadableError as error:
        out.leave(label, constraints=is_constraint)
        place = span
        real = os.path.realpath(out.folder.root / relative)
        held = out.folder.encloses(real) and os.path.lexists(real)
        if held and error.line > 1:
            place = error.problem("EB101", label).span or span
        out.problem(
            error.message,
            place,
            hint=error.hint or ("" if held else "copy the file into the folder, or take the line out"),
            code="EB101" if held else "EB103",
        )


def _shorten(text: str) -> str:
    # What is cut off could be what a credential is known by.
    text = redact(text[:MAX_REQUIREMENT])
    return text if len(text) <= 80 else text[:77] + "..."
