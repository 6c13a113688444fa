"""Writing fixes into the model's files: only what the findings say, or nothing.

Comments, order, quotes, indentation, line endings, a byte order mark and a missing final line ending stay as they are.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from ..errors import ModelError, StorageError
from ..model.environment import read_environment
from ..model.texts import BOM, Folder, is_yaml
from ..model.types import Environment, Model, Span
from .types import Edit, Finding

_LINE = re.compile("[^\n\r]*(?:\r\n|\n|\r)|[^\n\r]+")
_YAML_LINE = re.compile("[^\n\r\x85\u2028\u2029]*(?:\r\n|[\n\r\x85\u2028\u2029])|[^\n\r\x85\u2028\u2029]+")


def apply(model: Model, findings: Sequence[Finding]) -> list[str]:
    """Write the edits of `findings` and return the files that changed, sorted.

    Each file is replaced as a whole and keeps its mode. Raises ModelError, before anything is written, for a downloaded
    model, for a file that changed since the model was read, and for an edit that would lose a requirement;
    StorageError where the disk refuses.
    """
    if model.uri:
        raise ModelError(
            f"--fix is refused: the model was downloaded from {model.uri}, and the copy is thrown away",
            hint="use --inject for this build, or log the model anew with the packages listed",
        )
    edits: dict[str, list[Edit]] = {}
    for finding in findings:
        for edit in finding.edits:
            if edit not in edits.setdefault(edit.file, []):
                edits[edit.file].append(edit)
    changed = {file: edited(model.texts.get(file, ""), wanted, file) for file, wanted in sorted(edits.items())}
    for file in changed:
        _check_unchanged(model, file)
    _check_kept(model, changed, {text for wanted in edits.values() for edit in wanted for text in edit.drops})
    for file, text in changed.items():
        _write(Path(os.path.realpath(model.root / file)), file, text)
    return list(changed)


def edited(text: str, edits: Sequence[Edit], file: str) -> str:
    """`text` with the edits applied. Those that fall on one place are applied in their order; equal ones once."""
    mark = BOM if text.startswith(BOM) else ""
    lines = (_YAML_LINE if is_yaml(file) else _LINE).findall(text.removeprefix(BOM))
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
        old = lines[number - 1]
        body = old.rstrip("\r\n\x85\u2028\u2029") if is_yaml(file) else old.rstrip("\r\n")
        lines[number - 1] = _merged(body, texts, file, number) + old[len(body) :]
    open_ended = bool(lines) and lines[-1] == lines[-1].rstrip("\r\n\x85\u2028\u2029")
    out = [line + ending for line in inserted.get(0, [])]
    for number, line in enumerate(lines, 1):
        new = inserted.get(number, [])
        last = number == len(lines) and open_ended
        if number not in deleted:
            out.append(line + ending if last and new else line)
        out += [line + ending for line in new]
        if last and new:
            out[-1] = out[-1].removesuffix(ending)
    return mark + "".join(out)


def _merged(old: str, texts: Sequence[str], file: str, number: int) -> str:
    """One line into which several edits each put a text of their own, from left to right."""
    parts: list[tuple[int, int, str]] = []
    for new in texts:
        start = _shared(old, new)
        tail = _shared(old[start:][::-1], new[start:][::-1])
        parts.append((start, len(old) - tail, new[start : len(new) - tail]))
    out, position = "", 0
    for start, end, new in sorted(parts, key=lambda part: part[:2]):
        if start < position:
            raise ModelError(f"two fixes change the same words in {file}:{number}", hint="change the line by hand")
        out += old[position:start] + new
        position = end
    return out + old[position:]


def _shared(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = zip(one, other, strict=False)
    return next((index for index, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _ending(lines: Sequence[str]) -> str:
    """The line ending that the file uses most, the first of equals; a newline for a file that has none."""
    found = Counter(line[len(line.rstrip("\r\n")) :] for line in lines)
    found.pop("", None)
    return found.most_common(1)[0][0] if found else "\n"


def _check_unchanged(model: Model, file: str) -> None:
    path = Path(os.path.realpath(model.root / file))
    if not path.is_relative_to(model.root):
        raise ModelError(f"{file} lies outside of the model folder", hint="change it by hand")
    try:
        same = path.read_bytes() == model.texts[file].encode()
    except (OSError, KeyError):
        same = False
    if not same:
        raise ModelError(f"{file} changed since it was read: nothing was fixed", hint="run again")


def _check_kept(model: Model, changed: dict[str, str], dropped: Collection[str]) -> None:
    """Read the changed texts before they are written: every requirement of before must still be there.

    All but those that an edit says it drops.
    """
    folder = Folder(model.root)
    folder.texts.update(model.texts)
    folder.texts.update(changed)
    declared = model.mlmodel.flavors.get("python_function", {}).get("env") if model.mlmodel else None
    after, problems = read_environment(folder, declared, Span(file="MLmodel"))
    before = Counter(p.code for p in model.problems if p.span and p.span.file != "MLmodel")
    worse = Counter(p.code for p in problems if p.span and p.span.file != "MLmodel") - before
    lost = _requirements(model.environment) - _requirements(after)
    kept = [text for text in lost if text not in dropped]
    if model.environment.source != "given" and (worse or kept):
        raise ModelError(
            f"--fix cannot change {' and '.join(changed)} safely: nothing was written",
            hint="add the packages by hand, or use --inject",
        )


def _requirements(environment: Environment) -> Counter[str]:
    texts = [r.text for r in (*environment.pip, *environment.constraints)]
    return Counter([*texts, *(d.text for d in environment.conda)])


def _write(path: Path, file: str, text: str) -> None:
    temporary = ""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text.encode())
            os.fchmod(stream.fileno(), mode)
        os.replace(temporary, path)  # noqa: PTH105 (mkstemp gives a string)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise StorageError(
            f"cannot write {file}: {error.strerror}", hint="make the model folder writable, or use --inject"
        ) from error
