"""Frames between the processes: whole again however they were cut, each given once."""

from __future__ import annotations

import pytest

from envbuild.runtime import wire

REQUESTS = [
    wire.Request("score", "POST", "/score", "a=1", {"x": "ä"}, b'{"a": 1}', 7, 1, "::1"),
    wire.Request("infer", body=bytes(range(256)) * 300, number=8),
]
FRAMES = b"".join(map(wire.pack_request, REQUESTS))


@pytest.mark.parametrize("size", [1, 11, 12, 13, 1000, len(FRAMES)])
def test_requests_are_whole_again_however_they_were_cut(size):
    frames = wire.Frames()
    pieces = [FRAMES[start : start + size] for start in range(0, len(FRAMES), size)]
    assert [wire.unpack_request(*frame) for piece in pieces for frame in frames.feed(piece)] == REQUESTS


def test_answers_and_the_word_that_a_worker_is_ready_come_back_as_they_were():
    said = [
        wire.Ready(1.5, {"raw": True}),
        wire.Answer(500, b"\x00", "text/plain", {"a": "b\nc"}, 0.25, 3, failed=True, number=9, more=True),
    ]
    packed = wire.pack_ready(said[0]) + wire.pack_answer(said[1])
    assert [wire.unpack_answer(*frame) for frame in wire.Frames().feed(packed)] == said


def test_a_caller_that_stops_listening_gets_no_frame_twice():
    frames = wire.Frames()
    with pytest.raises(ZeroDivisionError):
        for _ in frames.feed(FRAMES):
            raise ZeroDivisionError
    assert [wire.unpack_request(*frame) for frame in frames.feed(b"")] == REQUESTS[1:]
