"""Where a server can listen on this machine, and where it is asked."""

from __future__ import annotations

import socket

import pytest

from envbuild.errors import UsageError
from envbuild.local.addresses import check_port, free_port, in_url, near


@pytest.mark.parametrize(("host", "said"), [("127.0.0.1", "localhost"), ("::1", "::1"), ("0.0.0.0", "0.0.0.0")])
def test_a_port_is_free_or_not(host: str, said: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as taken:
        taken.bind((host, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} of {said} cannot be used: address already in use"):
            check_port(said, port)
    assert check_port(said, free_port()) == host


def test_all_of_ipv6_is_all_of_ipv4_too() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="address already in use"):
            check_port("::", taken.getsockname()[1])


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("", "--host is empty"),
        ("nowhere.invalid", "--host nowhere.invalid: "),
        ("[::1]", "--host [::1]: "),
        ("a" * 70, f"--host {'a' * 70}: "),
        ("192.0.2.1", "port 0 of 192.0.2.1 cannot be used: cannot assign requested address"),
    ],
)
def test_what_is_no_address_of_this_machine_is_refused(host: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_port(host, 0)
    assert caught.value.message.startswith(said)


@pytest.mark.parametrize(
    ("address", "asked"), [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("127.0.0.2", "127.0.0.2"), ("::1", "::1")]
)
def test_who_listens_everywhere_is_asked_at_the_loopback(address: str, asked: str) -> None:
    assert near(address) == asked


@pytest.mark.parametrize(
    ("host", "written"),
    [("127.0.0.1", "127.0.0.1"), ("a.example", "a.example"), ("::1", "[::1]"), ("fe80::1%eth0", "[fe80::1%25eth0]")],
)
def test_a_url_has_brackets_around_ipv6(host: str, written: str) -> None:
    assert in_url(host) == written
