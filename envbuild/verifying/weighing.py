"""The layers of an image beside those of the one made anew: by diffID first, and file by file where these differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from ..attesting.layers import in_store
from ..attesting.opened import Opened
from ..oci.store import Store
from ..oci.types import Layer
from ..planner.paths import CODE, MODEL
from ..planner.types import PlannedLayer
from .comparing import first_difference
from .origin import filled
from .reading import opened_plain
from .record import Recorded
from .taking import Piece, Taken
from .types import FileDifference, LayerVerdict

Rebuilt = Sequence[tuple[PlannedLayer, Layer | None]]
"""The layers made anew, lowest first; None for one that cannot be made here."""
_Row = tuple[int | None, int | None]


def weighed(opened: Opened, rebuilt: Rebuilt, store: Store, *, base: int, left: str = "") -> list[LayerVerdict]:
    """A verdict on every layer of both, lowest first. The first `base` of the image are its base's.

    `left` tells why a layer could not be made. The layers of the image above the base were read already; those of the
    base are, unless the blob is the very one that the store has. BaseImageError, IntegrityError, CorruptBlobError.
    """
    verdicts = []
    for ours, theirs in _rows(opened, rebuilt):
        planned, made = rebuilt[theirs] if theirs is not None else (None, None)
        layer = opened.layers[ours] if ours is not None else None
        title = planned.title if planned is not None else _title(opened, ours)
        verdict = LayerVerdict(
            title=title,
            kind=planned.kind if planned is not None else "other",
            state="same",
            image=layer.diff_id if layer is not None else "",
            rebuilt=made.diff_id if made is not None else "",
        )
        if layer is None or planned is None:
            verdict = replace(verdict, state="missing" if layer is None else "extra")
        elif made is None:
            verdict = replace(verdict, state="unchecked", why=left)
        elif layer.diff_id != made.diff_id:
            first = first_difference((opened.blobs, layer), (in_store(store), made))
            verdict = replace(verdict, state="differs", first=first)
        elif ours is not None and ours < base and not (opened.remote and layer.digest == made.digest):
            _read_through(opened, layer)
        verdicts.append(verdict)
    return verdicts


def _rows(opened: Opened, rebuilt: Rebuilt) -> Iterator[_Row]:
    """Which layer of the image stands beside which of the new one: equal ones, and between these by their order."""
    theirs = [layer.diff_id for layer in opened.layers]
    ours = [made.diff_id if made is not None else f"(none {number})" for number, (_, made) in enumerate(rebuilt)]
    for _, i, end_i, j, end_j in SequenceMatcher(None, theirs, ours, autojunk=False).get_opcodes():
        for step in range(max(end_i - i, end_j - j)):
            yield i + step if i + step < end_i else None, j + step if j + step < end_j else None


def _title(opened: Opened, number: int | None) -> str:
    history = filled(opened.config)
    said = str(history[number].get("created_by") or "") if number is not None and number < len(history) else ""
    return said or f"layer {(number or 0) + 1}"


def _read_through(opened: Opened, layer: Layer) -> None:
    """That the blob is what the config says of it."""
    with opened_plain(opened.blobs, layer):
        pass


def with_record(
    verdicts: Sequence[LayerVerdict], opened: Opened, taken: Taken, recorded: Recorded
) -> list[LayerVerdict]:
    """The verdicts, and on the files of model and script: they were taken from the image, so the record decides."""
    found = list(verdicts)
    told: set[int] = set()
    for kind, digest, difference in _unlike_record(opened, taken, recorded):
        for place, verdict in enumerate(found):
            if verdict.image == digest if digest else verdict.kind == kind:
                if place not in told and verdict.state in ("same", "differs"):
                    why = "a file is not the one that the image was made with"
                    found[place] = replace(verdict, state="differs", first=difference, why=why)
                told.add(place)
                break
    return found


def _unlike_record(opened: Opened, taken: Taken, recorded: Recorded) -> Iterator[tuple[str, str, FileDifference]]:
    """The kind of layer, its diffID where the image has the file, and what is different; by path."""
    for folder, kind, there, expected in (
        (MODEL, "model", taken.model, recorded.model),
        (CODE, "script", taken.script, recorded.script),
    ):
        for path in sorted(there.keys() | expected.keys()):
            piece, sha256 = there.get(path), expected.get(path, "")
            what = _what(piece, sha256, path, recorded.executable if kind == "model" else frozenset())
            if what:
                image = piece.sha256 if piece else ""
                difference = FileDifference(path=f"{folder}/{path}", what=what, image=image, rebuilt=sha256)
                yield kind, opened.layers[piece.layer].diff_id if piece else "", difference


def _what(piece: Piece | None, sha256: str, path: str, executable: frozenset[str]) -> tuple[str, ...]:
    if piece is None:
        return ("missing",)
    if not sha256:
        return ("extra",)
    content = ("content",) if piece.sha256 != sha256 else ()
    return (*content, *(("mode",) if piece.executable != (path in executable) else ()))
