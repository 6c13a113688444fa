"""Which license a package is under, as its metadata says it: SPDX where that is certain, else as it is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .types import License

# Trove classifiers that mean one license of SPDX; that of BSD, say, means several.
_CLASSIFIERS = {
    "Apache Software License": "",
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "zlib/libpng License": "Zlib",
}
# Debian's short names that SPDX calls otherwise; of the GNU licenses `_gnu` knows all.
_DEBIAN = {
    "expat": "MIT",
    "bsd-2-clause": "BSD-2-Clause",
    "bsd-3-clause": "BSD-3-Clause",
    "zlib": "Zlib",
    "psf-2": "PSF-2.0",
}
# What people write instead of SPDX's names, where it can mean nothing else.
_WRITTEN = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "mit license": "MIT",
}
_GNU = re.compile(r"(A|L)?GPL-(\d)(?:\.(\d))?(\+)?")
_LONGEST = 100
_MOST = 30


def expression_of(text: str) -> str:
    """`text` as a canonical SPDX expression; empty if it is none."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    if not text or len(text) > 1000:
        return ""
    try:
        return str(canonicalize_license_expression(text))
    except (InvalidLicenseExpression, RecursionError):
        return ""


def of_metadata(headers: Sequence[tuple[str, str]]) -> tuple[License, ...]:
    """What a wheel's METADATA says, given as pairs of a lower-case name and a value.

    License-Expression first, then License where that is an expression, the classifiers, and License as it is written.
    """
    said = {name: value.strip() for name, value in reversed(headers)}
    written = said.get("license", "")
    written = "" if written.upper() == "UNKNOWN" else written
    for text in (said.get("license-expression", ""), written):
        if found := expression_of(_WRITTEN.get(text.lower(), text)):
            return (License(expression=found),)
    classified = [
        value.rpartition("::")[2].strip()
        for name, value in headers
        if name == "classifier" and value.startswith("License ::")
    ]
    names = [name for name in dict.fromkeys(classified) if name not in ("OSI Approved", "")]
    if names:
        found_all = [License(expression=_CLASSIFIERS[n]) if _CLASSIFIERS.get(n) else License(name=n) for n in names]
        return tuple(found_all[:_MOST])
    first = next((line.strip() for line in written.splitlines() if line.strip()), "")
    return (License(name=first[:_LONGEST]),) if first else ()


def of_copyright(text: str) -> tuple[License, ...]:
    """The licenses that a Debian copyright file names, if it is of the machine-readable kind (DEP-5), in its order."""
    if "Format:" not in text[:2000]:
        return ()
    lines = re.findall(r"^License:[ \t]*(\S[^\n]*)$", text, re.MULTILINE | re.IGNORECASE)
    return tuple(dict.fromkeys(map(_debian, (line.strip() for line in lines))))[:_MOST]


def _debian(text: str) -> License:
    found = expression_of(_as_spdx(re.split(r"[ ,]+", text)))
    return License(expression=found) if found else License(name=text[:_LONGEST])


def _as_spdx(words: Iterable[str]) -> str:
    """Debian's synopsis with SPDX's names: `GPL-2+ or Artistic` is `GPL-2.0-or-later OR Artistic`."""
    return " ".join(
        word.upper() if word.lower() in ("or", "and", "with") else _DEBIAN.get(word.lower(), _gnu(word))
        for word in words
    )


def _gnu(word: str) -> str:
    match = _GNU.fullmatch(word)
    if match is None:
        return word
    kind, major, minor, later = match.groups()
    return f"{kind or ''}GPL-{major}.{minor or 0}-{'or-later' if later else 'only'}"
