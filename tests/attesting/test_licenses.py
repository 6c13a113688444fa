"""Licenses are SPDX where that is certain, and else what was written."""

from __future__ import annotations

import pytest

from envbuild.attesting.licenses import expression_of, of_copyright, of_metadata
from envbuild.attesting.types import License
from envbuild.attesting.wheels import headers_of

CASES = [
    ("License-Expression: mit and (apache-2.0 or bsd-2-clause)", ["MIT AND (Apache-2.0 OR BSD-2-Clause)"]),
    ("License-Expression: MIT\nLicense: BSD\nClassifier: License :: OSI Approved :: ISC License (ISCL)", ["MIT"]),
    ("License: Apache-2.0\nClassifier: License :: OSI Approved :: MIT License", ["Apache-2.0"]),
    ("License: MIT License\nClassifier: License :: OSI Approved :: MIT License", ["MIT"]),
    ("License: new BSD", ["?new BSD"]),
    ("License: 3-Clause BSD License", ["BSD-3-Clause"]),
    ("License: Apache License 2.0\nClassifier: License :: OSI Approved :: Apache Software License", ["Apache-2.0"]),
    ("License: UNKNOWN", []),
    ("Classifier: License :: OSI Approved :: BSD License", ["?BSD License"]),
    ("Classifier: License :: OSI Approved", []),
    ("Classifier: Programming Language :: Python", []),
    ("License: Copyright (c) 2020\n        All rights reserved\n        more", ["?Copyright (c) 2020"]),
    ("License-Expression: no such thing\nLicense: MIT", ["MIT"]),
    (
        (
            "Classifier: License :: OSI Approved :: MIT License\n"
            "Classifier: License :: OSI Approved :: Apache Software License"
        ),
        ["MIT", "?Apache Software License"],
    ),
    ("License: " + "x" * 5000, ["?" + "x" * 100]),
]


def shown(found: tuple[License, ...]) -> list[str]:
    return [one.expression or f"?{one.name}" for one in found]


@pytest.mark.parametrize(("headers", "expected"), CASES)
def test_what_metadata_says(headers: str, expected: list[str]) -> None:
    text = f"Metadata-Version: 2.4\nName: a\nVersion: 1\n{headers}\n\nLicense: of the description\n"
    assert shown(of_metadata(headers_of(text.encode()))) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Expat", "MIT"),
        ("GPL-2+", "GPL-2.0-or-later"),
        ("LGPL-2.1", "LGPL-2.1-only"),
        ("AGPL-3+", "AGPL-3.0-or-later"),
        ("GPL-2+ or BSD-3-clause", "GPL-2.0-or-later OR BSD-3-Clause"),
        ("GPL-3+ with OpenSSL exception", "?GPL-3+ with OpenSSL exception"),
        ("public-domain", "?public-domain"),
    ],
)
def test_what_a_debian_copyright_file_says(line: str, expected: str) -> None:
    text = f"Format: https://example.org/format/\n\nFiles: *\nLicense: {line}\n the text\n\nFiles: b\nLicense: {line}\n"
    assert shown(of_copyright(text)) == [expected]


def test_a_copyright_file_in_prose_says_nothing_certain() -> None:
    assert of_copyright("This package was debianized by me.\nLicense: GPL-2\n") == ()


def test_no_text_is_too_long_or_too_deep_for_the_reader_of_expressions() -> None:
    assert expression_of("(" * 900) == ""
    assert expression_of("MIT AND " * 10_000 + "MIT") == ""
