"""Writing fixes into the model's files: only what the findings say, or nothing.

Of fixes that change the same words the first is made; the others are left, and a further round finds them anew.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from ..errors import ModelError, StorageError
from ..model.reading import with_texts
from ..model.texts import split_lines
from ..model.types import Model
from .diffs import unified
from .keeping import kept
from .textedits import edited, part
from .types import Edit, Finding

Again = Callable[[Model], Sequence[Finding]]

_ROUNDS = 10
_TRIES = 64


def apply(model: Model, findings: Sequence[Finding], *, unsafe: bool = False, again: Again | None = None) -> list[str]:
    """Write the safe fixes of `findings`, with `unsafe` the others too, and return the files that changed, sorted.

    `again` finds anew in the model as it is after a round; without it there is one round, and fixes that overlap
    another are left. Each file is replaced as a whole and keeps its mode. Raises ModelError, before anything is
    written, for a downloaded model, for a file that changed since the model was read, and where no fix can be made
    without losing a requirement; StorageError where the disk refuses.
    """
    _check_local(model, "--fix")
    for file in sorted({edit.file for edits in _fixes(findings, unsafe=unsafe) for edit in edits}):
        _check_unchanged(model, file)
    changed = _changed(model, findings, unsafe=unsafe, again=again)
    _check_one_each(model, changed)
    _write(model, changed)
    return list(changed)


def preview(
    model: Model,
    findings: Sequence[Finding],
    *,
    unsafe: bool = False,
    again: Again | None = None,
    folder: str = "",
) -> str:
    """What `apply` would write, as a unified diff; empty where nothing would be.

    It names the files that would be replaced, those that links lead to, as `a/FOLDER/FILE` and `b/FOLDER/FILE`.
    Credentials in the lines around a change are starred. Raises ModelError as `apply`, but for what it only finds when
    it writes.
    """
    _check_local(model, "--diff")
    changed = _changed(model, findings, unsafe=unsafe, again=again)
    _check_one_each(model, changed)
    lines: list[str] = []
    for file, text in changed.items():
        path = os.path.relpath(os.path.realpath(model.root / file), model.root)
        lines += unified(f"{folder}/{path}" if folder else path, model.texts[file], text)
    return "".join(lines)


def _changed(model: Model, findings: Sequence[Finding], *, unsafe: bool, again: Again | None) -> dict[str, str]:
    """The texts, by file and sorted, that the fixes make."""
    seen = [dict(model.texts)]
    now = model
    while len(seen) <= _ROUNDS:
        texts = _round(now, findings, unsafe=unsafe, first=len(seen) == 1)
        now = with_texts(now, texts)
        # Two fixes that undo each other would go on for ever.
        if again is None or not texts or dict(now.texts) in seen:
            break
        seen.append(dict(now.texts))
        findings = again(now)
    return {file: text for file, text in sorted(now.texts.items()) if model.texts.get(file) != text}


def _round(model: Model, findings: Sequence[Finding], *, unsafe: bool, first: bool) -> dict[str, str]:
    """The texts after one round. Raises ModelError in the first one where there are fixes and none can be made."""
    fixes = list(_apart(model, _fixes(findings, unsafe=unsafe)))
    texts, made = _made(model, fixes), True
    if texts is None:
        texts, made = _some(model, fixes), False
    if not made and not texts and first:
        files = sorted({edit.file for edits in fixes for edit in edits})
        raise ModelError(
            f"--fix cannot change {' and '.join(files)} safely: nothing was written",
            hint="add the packages by hand, or use --inject",
        )
    return texts


def _fixes(findings: Sequence[Finding], *, unsafe: bool) -> list[tuple[Edit, ...]]:
    return [finding.edits for finding in findings if finding.edits and (finding.safe or unsafe)]


def _apart(model: Model, fixes: Sequence[Sequence[Edit]]) -> Iterator[Sequence[Edit]]:
    """The fixes of which none changes words, deletes a line or drops a requirement of one before it."""
    lines: dict[str, list[str]] = {}
    taken: dict[tuple[str, int], list[Edit]] = {}
    for edits in fixes:
        free = True
        for edit in edits:
            if edit.file not in lines:
                lines[edit.file] = split_lines(edit.file, model.texts.get(edit.file, ""))
            others = [other for other in taken.get((edit.file, edit.line), ()) if other != edit]
            inside = edit.action == "insert" or edit.line <= len(lines[edit.file])
            old = lines[edit.file][edit.line - 1] if edit.action != "insert" and inside else ""
            free = free and inside and not any(_clash(old, edit, other) for other in others)
        if not free:
            continue
        for edit in edits:
            if edit.action != "insert":
                taken.setdefault((edit.file, edit.line), []).append(edit)
        yield edits


def _clash(old: str, one: Edit, other: Edit) -> bool:
    if one.action == "insert":
        return False
    if "delete" in (one.action, other.action) or not set(one.drops).isdisjoint(other.drops):
        return True
    (start, end, _), (other_start, other_end, _) = part(old, one.text), part(old, other.text)
    return start < other_end and other_start < end


def _some(model: Model, fixes: Sequence[Sequence[Edit]]) -> dict[str, str]:
    """The texts with as many of the fixes, from the first on, as can be made together."""
    made: list[Sequence[Edit]] = []
    texts: dict[str, str] = {}
    waiting = [list(fixes)]
    for _ in range(_TRIES):
        if not waiting:
            break
        group = waiting.pop()
        found = _made(model, [*made, *group])
        if found is not None:
            made, texts = [*made, *group], found
        elif len(group) > 1:
            half = len(group) // 2
            waiting += [group[half:], group[:half]]
    return texts


def _made(model: Model, fixes: Sequence[Sequence[Edit]]) -> dict[str, str] | None:
    """The changed texts with all of the fixes; None where they cannot be made together, or something would be lost."""
    edits: dict[str, list[Edit]] = {}
    for edit in dict.fromkeys(edit for of_one in fixes for edit in of_one):
        edits.setdefault(edit.file, []).append(edit)
    if any(file not in model.texts for file in edits):
        return None
    try:
        texts = {file: edited(model.texts[file], of_file, file) for file, of_file in edits.items()}
    except ModelError:
        return None
    changed = {file: text for file, text in texts.items() if text != model.texts[file]}
    return changed if not changed or kept(model, changed, edits) else None


def _check_local(model: Model, option: str) -> None:
    if model.uri:
        raise ModelError(
            f"{option} is refused: the model was downloaded from {model.uri}, and the copy is thrown away",
            hint="use --inject for this build, or log the model anew with the packages listed",
        )


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


def _check_one_each(model: Model, changed: Mapping[str, str]) -> None:
    """Two names of one file would be written one over the other."""
    by_path: dict[str, str] = {}
    for file in changed:
        other = by_path.setdefault(os.path.realpath(model.root / file), file)
        if other != file:
            raise ModelError(f"{other} and {file} are one file: nothing was fixed", hint="change it by hand")


def _write(model: Model, changed: Mapping[str, str]) -> None:
    """Write all of the files or none: each is made beside the old one, and then all take their places."""
    from ..oci.disk import write_beside

    staged: list[tuple[str, Path, Path]] = []
    replaced: list[tuple[str, Path]] = []
    file = ""
    try:
        for file, text in changed.items():
            path = Path(os.path.realpath(model.root / file))
            staged.append((file, path, write_beside(path, text.encode())))
        for file, path, beside in staged:
            beside.replace(path)
            replaced.append((file, path))
    except OSError as error:
        for earlier, path in replaced:
            with contextlib.suppress(OSError):
                path.write_bytes(model.texts[earlier].encode())
        raise StorageError(
            f"cannot write {file}: {error.strerror}", hint="make the model folder writable, or use --inject"
        ) from error
    finally:
        for _, _, beside in staged:
            beside.unlink(missing_ok=True)
