"""Package URLs are as the purl library itself writes them."""

from __future__ import annotations

import pytest
from packageurl import PackageURL

from envbuild.attesting import purl


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (purl.pypi("Scikit_Learn", "1.5.0"), "pkg:pypi/scikit-learn@1.5.0"),
        (purl.pypi("torch", "2.3.0+cpu"), "pkg:pypi/torch@2.3.0%2Bcpu"),
        (
            purl.pypi("numpy", "2.0", filename="numpy-2.0-cp311-cp311-manylinux_2_17_x86_64.whl"),
            "pkg:pypi/numpy@2.0?file_name=numpy-2.0-cp311-cp311-manylinux_2_17_x86_64.whl",
        ),
        (purl.deb("libstdc++6", "1:12.2~rc1-1", vendor="debian"), "pkg:deb/debian/libstdc%2B%2B6@1:12.2~rc1-1"),
        (
            purl.oci("localhost:5000/team/Base:1.0", "sha256:" + "a" * 64),
            f"pkg:oci/base@sha256:{'a' * 64}?repository_url=localhost:5000/team/base&tag=1.0",
        ),
        (purl.generic("python", "3.12.7"), "pkg:generic/python@3.12.7"),
    ],
)
def test_they_are_canonical(made: str, expected: str) -> None:
    assert made == expected
    assert PackageURL.from_string(made).to_string() == made
