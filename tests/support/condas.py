"""Environments as conda.yaml gives them, from texts."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from envbuild.model.requirement import parse_requirement
from envbuild.model.types import CondaDependency, Environment, Line, PythonPin, Span
from envbuild.resolver.conda.types import CondaPackage
from envbuild.resolver.types import Lock, LockedPackage

FILE = b"the bytes of a package"


def span(line: int) -> Span:
    return Span(file="conda.yaml", line=line, column=3, end_column=20)


def conda_environment(
    *conda: str, channels: tuple[str, ...] = (), pip: tuple[str, ...] = (), python: str = "3.11.7"
) -> Environment:
    """Python on line 6, the conda packages from line 7 on, the pip list from line 20 on."""
    return Environment(
        source="conda.yaml",
        files=("conda.yaml",),
        python=PythonPin(text=python, span=span(6)) if python else None,
        conda=tuple(CondaDependency(text=text, name=_name(text), span=span(n)) for n, text in enumerate(conda, 7)),
        pip=tuple(parse_requirement(text, lambda start, end, n=n: span(n)) for n, text in enumerate(pip, 20)),
        channels=tuple(Line(text=text, span=span(3)) for text in channels),
    )


def conda_lock_of_three() -> Lock:
    """Two conda packages, the files of which are FILE, and one of pip's from an index with a password."""
    channel = "https://conda.anaconda.org/conda-forge"
    python = CondaPackage(
        name="python",
        version="3.11.7",
        build="0_cpython",
        subdir="linux-64",
        filename="python-3.11.7-0_cpython.conda",
        sha256=hashlib.sha256(FILE).hexdigest(),
        md5="0" * 32,
        size=len(FILE),
        url=f"{channel}/linux-64/python-3.11.7-0_cpython.conda",
        depends=("openssl >=3", "__glibc >=2.17"),
    )
    pure = replace(
        python,
        name="tzdata",
        version="2024a",
        build="h0",
        subdir="noarch",
        filename="tzdata-2024a-h0.conda",
        url=f"{channel}/noarch/tzdata-2024a-h0.conda",
        md5="",
        depends=(),
    )
    app = LockedPackage(
        name="app",
        version="1.0",
        filename="app-1.0-py3-none-any.whl",
        sha256="b" * 64,
        size=10,
        url="https://user:secret@index.example/app-1.0-py3-none-any.whl",
    )
    return Lock(
        packages=(app,),
        python="3.11.7",
        platform="manylinux_2_36_x86_64",
        requirements=("app",),
        conda=(python, pure),
    )


def _name(text: str) -> str:
    bare = text.rpartition("::")[2]
    for sign in "=<>":
        bare = bare.split(sign)[0]
    return bare.strip()
