"""Reading the small text files of a model for tokens and keys, with a limit on the bytes read."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator

from ..model.secrets import SHAPES, secrets_in
from ..model.texts import split_lines
from ..model.types import Model, Span

# Only the beginning of a file is read, and of all files together no more than this.
MAX_FILE = 256 << 10
MAX_BYTES = 8 << 20
MAX_FILES = 2_000
MAX_FOUND = 20

# Files that hold arrays, trees or archives: what looks like a token in there is chance, and nobody writes one in.
_BINARY = (
    *(".bin", ".bst", ".cbm", ".ckpt", ".gz", ".h5", ".joblib", ".keras", ".model", ".npy", ".npz", ".onnx", ".pb"),
    *(".parquet", ".pickle", ".pkl", ".pt", ".pth", ".safetensors", ".skops", ".so", ".tflite", ".ubj", ".whl", ".zip"),
)
_MARKS = tuple(shape.mark.encode() for shape in SHAPES)


def secrets_of(model: Model, *, but: Collection[str] = ()) -> Iterator[tuple[str, Span]]:
    """The kind and the place of each token or key in the model's text files, but those of `but`; MAX_FOUND at most.

    A file that holds a NUL byte is none of text; one that cannot be read is passed over.
    """
    left, found = MAX_BYTES, 0
    for file in model.files[:MAX_FILES]:
        if not file.size or file.path in but or file.path.endswith(_BINARY):
            continue
        data = _head(os.path.join(model.root, file.path), min(MAX_FILE, left))  # noqa: PTH118 (many files)
        left -= len(data)
        if b"\0" not in data[:8192] and any(mark in data for mark in _MARKS):
            for kind, span in _in_text(file.path, data.decode("utf-8", "replace")):
                yield kind, span
                found += 1
                if found == MAX_FOUND:
                    return
        if left <= 0:
            return


def _in_text(path: str, text: str) -> Iterator[tuple[str, Span]]:
    starts = [0]
    lines = split_lines(path, text)
    for secret in secrets_in(text):
        if len(starts) == 1:
            # The ending of a line is one character or two; its own length is what the text says.
            starts = _starts(text, lines)
        number = _index(starts, secret.start)
        column = secret.start - starts[number] + 1
        end = min(column + secret.end - secret.start, len(lines[number]) + 1)
        yield secret.kind, Span(file=path, line=number + 1, column=column, end_column=max(end, column + 1))


def _starts(text: str, lines: list[str]) -> list[int]:
    """Where each line begins in the text."""
    found, position = [], len(text) - len(text.removeprefix("\ufeff"))
    for line in lines:
        found.append(position)
        position += len(line)
        position += 2 if text[position : position + 2] == "\r\n" else 1
    return found


def _index(starts: list[int], offset: int) -> int:
    from bisect import bisect_right

    return bisect_right(starts, offset) - 1


def _head(path: str, limit: int) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        return os.read(descriptor, limit)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
