"""Which addresses of repositories are told: those that mean the same to everybody, and nothing secret of them."""

from __future__ import annotations

import pytest

from envbuild.attesting.sources import repository
from envbuild.resolver.types import Source


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://example.org/x.git", "git+https://example.org/x.git@C"),
        ("https://example.org:8443/x y.git", "git+https://example.org:8443/x%20y.git@C"),
        ("https://bob:s3cret@example.org/x.git", "git+https://example.org/x.git@C"),
        ("ssh://git@example.org/x.git", "git+ssh://example.org/x.git@C"),
        ("https://[2606:4700::1111]/x.git", "git+https://[2606:4700::1111]/x.git@C"),
        ("https://localhost/x.git", ""),
        ("https://127.0.0.1:3000/x.git", ""),
        ("https://[::1]/x.git", ""),
        ("https://192.168.1.2/x.git", ""),
        ("https://gitea/x.git", ""),
        ("https://git.example.internal/x.git", ""),
        *((f"https://git.{name}/x.git", "") for name in ("corp.private", "localdomain", "localnet", "intern")),
        *((f"https://{host}/x.git", "") for host in ("127.1", "10.1", "0x7f.0x1", "127.0.0.1.", "0177.0.0.1")),
        ("https://private.example.org/x.git", "git+https://private.example.org/x.git@C"),
        ("https://8.8.8.8/x.git", "git+https://8.8.8.8/x.git@C"),
        ("file:///home/somebody/x", ""),
        ("", ""),
    ],
)
def test_a_repository_is_named_where_everybody_finds_it(url: str, told: str) -> None:
    assert repository(Source(url=url, commit="C")) == told
