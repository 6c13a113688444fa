"""Package URLs, as the purl specification has them for the types that occur in an image."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote


def pypi(name: str, version: str, *, filename: str = "") -> str:
    """`pkg:pypi/scikit-learn@1.5.0`; the name is normalised, `filename` tells wheels of one version apart."""
    return _purl("pypi", [normalised(name)], version, {"file_name": filename})


def normalised(name: str) -> str:
    """The name of a Python package as indexes compare it: `scikit-learn` of `Scikit_Learn`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def same_package(one: str, other: str) -> bool:
    """Whether two package URLs of pypi name one version of one package, whatever they say of its files."""
    kind, _, rest = one.partition("?")[0].rpartition("/")
    name, _, version = rest.partition("@")
    return kind == "pkg:pypi" and pypi(name, unquote(version)) == other


def deb(name: str, version: str, *, vendor: str, architecture: str = "", distribution: str = "") -> str:
    """`pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12`; `vendor` is os-release's ID."""
    return _purl("deb", [vendor.lower(), name.lower()], version, {"arch": architecture, "distro": distribution})


def conda(name: str, version: str, *, build: str, subdir: str, filename: str) -> str:
    """`pkg:conda/gdal@3.8.1?build=py311_0&subdir=linux-64&type=conda`; the channel is an address, and none is told."""
    kind = "conda" if filename.endswith(".conda") else "tar.bz2"
    return _purl("conda", [name.lower()], version, {"build": build, "subdir": subdir, "type": kind})


def oci(name: str, digest: str) -> str:
    """`pkg:oci/python@sha256:…?repository_url=docker.io/library/python&tag=3.12-slim` of a full name with its tag."""
    repository, tag = name, ""
    if ":" in name.rpartition("/")[2]:
        repository, _, tag = name.rpartition(":")
    last = repository.rpartition("/")[2].lower()
    return _purl("oci", [last], digest, {"repository_url": repository.lower() if "/" in repository else "", "tag": tag})


def generic(name: str, version: str) -> str:
    """`pkg:generic/python@3.12.7`, of what is in no registry."""
    return _purl("generic", [name], version, {})


def _purl(kind: str, path: list[str], version: str, qualifiers: Mapping[str, str]) -> str:
    # The specification leaves the colon as it is.
    where = "/".join(quote(part, safe=":") for part in path)
    what = f"@{quote(version, safe=':')}" if version else ""
    told = "&".join(f"{key}={quote(value, safe=':/')}" for key, value in sorted(qualifiers.items()) if value)
    return f"pkg:{kind}/{where}{what}" + (f"?{told}" if told else "")
