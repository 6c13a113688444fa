"""Which pages may send requests: the one on another port of the same host, and nobody else by that."""

from __future__ import annotations

import asyncio

import pytest

from envbuild.runtime.front.origins import PageElsewhere


async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-request-id", b"r")]})
    await send({"type": "http.response.body", "body": b""})


def answered(port, method="POST", **headers):
    """Status and headers of an answer to a request with these headers."""
    sent = []

    async def send(message):
        sent.append(message)

    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(PageElsewhere(app, port)({"type": "http", "method": method, "headers": given}, None, send))
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


@pytest.mark.parametrize(
    ("port", "host", "origin"),
    [
        (9091, "example.com:8080", "http://example.com:9091"),
        (9091, "Example.com", "https://example.com:9091"),
        (9091, "[::1]:8080", "http://[::1]:9091"),
        # A browser leaves out the port that goes with the scheme.
        (80, "example.com:8080", "http://example.com"),
        (443, "example.com:8080", "https://example.com"),
    ],
)
def test_the_page_of_the_same_host_may_ask_and_read(port, host, origin):
    status, headers = answered(port, host=host, origin=origin)
    assert (status, headers["access-control-allow-origin"], headers["vary"]) == (200, origin, "Origin")
    assert "x-request-id" in headers["access-control-expose-headers"]
    status, headers = answered(port, "OPTIONS", host=host, origin=origin, access_control_request_method="POST")
    assert (status, headers["access-control-allow-origin"]) == (204, origin)


@pytest.mark.parametrize(
    ("port", "origin"),
    [
        (9091, "http://example.com"),
        (9091, "http://example.com:9092"),
        (9091, "http://other.example:9091"),
        (9091, "null"),
        (80, "https://example.com"),
        (443, "http://example.com"),
        (80, "http://example.com.other.example"),
    ],
)
def test_other_pages_are_told_nothing(port, origin):
    for method, more in (("POST", {}), ("OPTIONS", {"access_control_request_method": "POST"})):
        _, headers = answered(port, method, host="example.com:8080", origin=origin, **more)
        assert headers == {"x-request-id": "r"}
