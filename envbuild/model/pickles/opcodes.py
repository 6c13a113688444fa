"""A pickle's opcodes, one after the other: what `pickletools.genops` gives, in a fraction of the time.

Only arguments that can be a name or a number are decoded; long texts and bytes are stepped over, unread where the
source can do that, all but the last bytes of them. Nothing is ever built from them.
"""

from __future__ import annotations

from collections.abc import Iterator

from .source import Source

# Texts longer than this are no names: their opcode's argument is the empty text.
MAX_TEXT = 512
# How much of a long argument's end is looked at.
TAIL = 64
# What one opcode may look ahead; a longer argument reaches into the next window.
AHEAD = 1 << 12

PROTO, FRAME, STOP, BUILD, REDUCE, SETITEMS = 0x80, 0x95, 0x2E, 0x62, 0x52, 0x75
GLOBAL, INST, STACK_GLOBAL = 0x63, 0x69, 0x93
MEMOIZE = 0x94
PUTS = frozenset(b"pqr")
GETS = frozenset(b"ghj")

_NOTHING, _LINE, _TWO_LINES, _UNKNOWN = 0, 10, 20, -1
_PLAIN = b"(.012)NRQabd}el]ostu\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94\x97\x98"
_FIXED = {1: b"Khq\x80\x82", 2: b"M\x83", 4: b"Jjr\x84", 8: b"G\x95"}
_LINES = b"SVIFLpgP"
# How many bytes say how long the argument is, as a negative number below _UNKNOWN.
_COUNTED = {1: b"UC\x8c\x8a", 4: b"TXB\x8b", 8: b"\x8d\x8e\x96"}
_TEXTS = frozenset(b"UTX\x8c\x8d")
_LATIN = frozenset(b"UT")
_LONGS = frozenset(b"\x8a\x8b")
_BININT, _BINFLOAT, _STRING, _UNICODE = 0x4A, 0x47, 0x53, 0x56
_STOPS = frozenset((BUILD, STOP))


Argument = str | int | bytes | None


class DamagedPickleError(ValueError):
    """What is read is no pickle, or not from here on."""


def _shapes() -> list[int]:
    shapes = [_UNKNOWN] * 256
    for code in _PLAIN:
        shapes[code] = _NOTHING
    for size, codes in _FIXED.items():
        for code in codes:
            shapes[code] = size
    for size, codes in _COUNTED.items():
        for code in codes:
            shapes[code] = -1 - size
    for code in _LINES:
        shapes[code] = _LINE
    shapes[GLOBAL] = shapes[INST] = _TWO_LINES
    return shapes


_SHAPES = _shapes()


class Walker:
    """Walks the opcodes of one pickle that begins at `position` in `source`.

    `position` is right behind the opcode at every BUILD and at STOP, and at the damage where there is any; at a BUILD
    it may be set further on, over bytes that are no opcodes.
    """

    def __init__(self, source: Source, position: int = 0) -> None:
        self.source = source
        self.position = position

    def opcodes(self) -> Iterator[tuple[int, Argument]]:
        """Each opcode's byte and its argument, up to STOP.

        The argument is a text (`module name` for GLOBAL and INST), an integer, the end of long bytes, or None.
        DamagedPickleError at an unknown opcode and where the data end before STOP.
        """
        base = self.position
        data = self.source.at(base)
        position, limit = 0, self._limit(data)
        while True:
            if position >= limit:
                base, position = base + position, 0
                data = self.source.at(base)
                limit = self._limit(data)
                if not data:
                    self.position = base
                    raise DamagedPickleError("the data end before the pickle does")
            code = data[position]
            shape = _SHAPES[code]
            position += 1
            if shape == _NOTHING:
                if code in _STOPS:
                    self.position = base + position
                    yield code, None
                    if code == STOP:
                        return
                    position = self.position - base
                else:
                    yield code, None
            elif 0 < shape <= 8:
                end = position + shape
                number = int.from_bytes(data[position:end], "little", signed=code == _BININT)
                yield code, number if code != _BINFLOAT else None
                position = end
            elif shape < _UNKNOWN:
                start = position - 1 - shape
                size = int.from_bytes(data[position:start], "little")
                position = start + size
                if size <= MAX_TEXT:
                    yield code, _argument(code, data[start:position])
                elif code in _TEXTS:
                    yield code, ""
                else:
                    if position > len(data):
                        base, position = base + position - TAIL, TAIL
                        data = self.source.at(base)
                        limit = self._limit(data)
                    yield code, data[position - TAIL : position]
            elif shape == _UNKNOWN:
                self.position = base + position - 1
                raise DamagedPickleError(f"no pickle has the opcode {code:#04x}")
            else:
                lines: list[bytes] = []
                for _ in range(shape // _LINE):
                    end = data.find(b"\n", position)
                    if end < 0:
                        # Longer than the window, or than the file.
                        base, data, end = self._line_end(base + position)
                        position = 0
                        line = b""
                    else:
                        line = data[position:end] if end - position <= MAX_TEXT else b""
                    lines.append(line)
                    position, limit = end + 1, self._limit(data)
                yield code, _of_lines(code, lines)

    def _limit(self, data: bytes) -> int:
        """From where on another window is needed: with less ahead only the file's end may be."""
        return len(data) - AHEAD if len(data) > 2 * AHEAD else len(data)

    def _line_end(self, position: int) -> tuple[int, bytes, int]:
        """The window that holds the end of the line, where it begins, and where in it the line ends."""
        while True:
            data = self.source.at(position)
            if not data:
                self.position = position
                raise DamagedPickleError("the data end within a line")
            end = data.find(b"\n")
            if end >= 0:
                return position, data, end
            position += len(data)


def _argument(code: int, data: bytes) -> Argument:
    if code in _TEXTS:
        return data.decode("latin-1" if code in _LATIN else "utf-8", "replace")
    return int.from_bytes(data, "little", signed=True) if code in _LONGS else None


def _of_lines(code: int, lines: list[bytes]) -> Argument:
    if code == _UNICODE:
        return lines[0].decode("raw-unicode-escape", "replace")
    texts = [line.decode("utf-8", "replace") for line in lines]
    if len(texts) == 2:
        return " ".join(texts)
    text = texts[0].strip()
    if code in b"pg" and not text.isdecimal():
        raise DamagedPickleError("the number of a memo is none")
    if code in b"pgIL":
        digits = text.removesuffix("L")
        return int(digits) if digits.lstrip("-").isdecimal() and len(digits) < 20 else None
    # STRING is written in quotes.
    return text[1:-1] if code == _STRING else None
