"""Edits of one text: put in, replaced and deleted lines, of which several may fall on one place.

Comments, order, quotes, indentation, line endings, a byte order mark and a missing final line ending stay as they are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ..errors import ModelError
from ..model.texts import BOM, is_yaml
from .types import Edit

_LINE = re.compile("[^\n\r]*(?:\r\n|\n|\r)|[^\n\r]+")
_YAML_LINE = re.compile("[^\n\r\x85\u2028\u2029]*(?:\r\n|[\n\r\x85\u2028\u2029])|[^\n\r\x85\u2028\u2029]+")


def edited(text: str, edits: Sequence[Edit], file: str) -> str:
    """`text` with the edits applied. Those that fall on one place are applied in their order; equal ones once.

    Raises ModelError where two of them change the same words, or a line is not there.
    """
    mark = BOM if text.startswith(BOM) else ""
    yaml = is_yaml(file)
    lines = (_YAML_LINE if yaml else _LINE).findall(text.removeprefix(BOM))
    ending = _ending(lines)
    inserted: dict[int, list[str]] = {}
    replaced: dict[int, list[str]] = {}
    deleted: set[int] = set()
    for edit in dict.fromkeys(edits):
        if not (edit.action != "insert") <= edit.line <= len(lines):
            raise ModelError(f"{file} has no line {edit.line} to change", hint="run again: the file is not as it was")
        if edit.action == "delete":
            deleted.add(edit.line)
        else:
            (inserted if edit.action == "insert" else replaced).setdefault(edit.line, []).append(edit.text)
    for number, texts in replaced.items():
        if number in deleted:
            raise _overlap(file, number)
        old = lines[number - 1]
        body = old[: len(old) - len(_ending_of(old, yaml=yaml))]
        lines[number - 1] = _merged(body, texts, file, number) + old[len(body) :]
    open_ended = bool(lines) and not _ending_of(lines[-1], yaml=yaml)
    out = [line + ending for line in inserted.get(0, [])]
    for number, line in enumerate(lines, 1):
        new = inserted.get(number, [])
        last = number == len(lines) and open_ended
        if number not in deleted:
            out.append(line + ending if last and new else line)
        out += [line + ending for line in new]
    if open_ended and out:
        # A text without a final line ending stays one, whatever its last line is now.
        out[-1] = out[-1][: len(out[-1]) - len(_ending_of(out[-1], yaml=yaml))]
    return mark + "".join(out)


def part(old: str, new: str) -> tuple[int, int, str]:
    """What makes `new` of `old`: the text that takes the place of `old[start:end]`, as start, end, text."""
    start = _shared(old, new)
    tail = _shared(old[start:][::-1], new[start:][::-1])
    return start, len(old) - tail, new[start : len(new) - tail]


def _merged(old: str, texts: Sequence[str], file: str, number: int) -> str:
    """One line into which several edits each put a text of their own, from left to right."""
    out, position = "", 0
    for start, end, new in sorted((part(old, new) for new in texts), key=lambda part: part[:2]):
        if start < position:
            raise _overlap(file, number)
        out += old[position:start] + new
        position = end
    return out + old[position:]


def _overlap(file: str, number: int) -> ModelError:
    return ModelError(f"two fixes change the same words in {file}:{number}", hint="change the line by hand")


def _shared(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = zip(one, other, strict=False)
    return next((index for index, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _ending_of(line: str, *, yaml: bool) -> str:
    """The line ending at the end of a line, where YAML knows three more."""
    if line.endswith("\r\n"):
        return "\r\n"
    return line[-1:] if line.endswith(("\n", "\r", "\x85", "\u2028", "\u2029") if yaml else ("\n", "\r")) else ""


def _ending(lines: Sequence[str]) -> str:
    """The line ending that the file uses most, the first of equals; a newline for a file that has none."""
    found = Counter(line[len(line.rstrip("\r\n")) :] for line in lines)
    found.pop("", None)
    return found.most_common(1)[0][0] if found else "\n"
