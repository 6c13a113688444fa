r"""`.envbuildignore`: patterns for files that stay out of the image.

Supported, as in .gitignore: blank lines and lines that begin with `#`; `*` and `?` (any characters but `/`);
`[abc]`, `[a-z]`, `[!a]`; `**` as a whole part (any number of folders); a slash at the front or in the middle ties
the pattern to the model folder, without one it holds at any depth; a slash at the end means folders only; `!` takes
back an earlier pattern, unless a folder above is left out; the last pattern that matches decides; `\\` before a
character takes it literally. White space at the end of a line is dropped. Not supported: ignore files in subfolders.
"""

from __future__ import annotations

import re

from ..records import dataclass

MAX_PATTERNS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One line of the file, compiled. `text` is the line as written."""

    text: str
    expression: re.Pattern[str]
    negated: bool
    folders_only: bool


def parse_patterns(lines: list[str]) -> tuple[Pattern, ...]:
    """The patterns of the file's lines; one that cannot be compiled matches nothing."""
    found = []
    for line in lines[:MAX_PATTERNS]:
        text = line.rstrip()
        if not text or text.startswith("#") or len(text) > 1000:
            continue
        negated = text.startswith("!")
        body = text[1:] if negated else text
        folders_only = body.endswith("/")
        body = body.rstrip("/")
        if not body:
            continue
        anchored = "/" in body
        try:
            expression = re.compile(("" if anchored else "(?:.*/)?") + _translate(body.lstrip("/")), re.DOTALL)
        except re.error:
            continue
        found.append(Pattern(text=text, expression=expression, negated=negated, folders_only=folders_only))
    return tuple(found)


def ignored_by(patterns: tuple[Pattern, ...], path: str, *, folder: bool) -> str:
    """The line that leaves `path` (relative, POSIX) out; empty where none does."""
    for pattern in reversed(patterns):
        if (folder or not pattern.folders_only) and pattern.expression.fullmatch(path):
            return "" if pattern.negated else pattern.text
    return ""


def _translate(body: str) -> str:
    parts = body.split("/")
    out = ""
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if part == "**":
            out += ".*" if last else "(?:[^/]+/)*"
        else:
            out += _translate_part(part) + ("" if last else "/")
    return out


def _translate_part(part: str) -> str:
    out = ""
    position = 0
    while position < len(part):
        char = part[position]
        position += 1
        if char == "*":
            # A run of stars is one star: no pattern may backtrack without end.
            while part[position : position + 1] == "*":
                position += 1
            out += "[^/]*"
        elif char == "?":
            out += "[^/]"
        elif char == "\\" and position < len(part):
            out += re.escape(part[position])
            position += 1
        elif char == "[" and (end := part.find("]", position + 1)) > 0:
            inside = part[position:end].replace("\\", "\\\\").replace("[", "\\[")
            inside = "^" + inside[1:] if inside[:1] in ("!", "^") else inside
            out += f"(?![/])[{inside}]"
            position = end + 1
        else:
            out += re.escape(char)
    return out
