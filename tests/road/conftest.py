"""The road's fixtures: an index of tiny wheels on loopback, and a road of one's own with an empty cache."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tinyindex import write_tiny_index
from tinyroad import Road, laid
from tinywheels import serve


@pytest.fixture(scope="session")
def tiny_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of tiny wheels with index pages."""
    return write_tiny_index(tmp_path_factory.mktemp("index"))


@pytest.fixture
def road(tmp_path: Path, tiny_index: Path) -> Iterator[Road]:
    """A road of one's own with an empty cache."""
    with laid(tmp_path, tiny_index) as road:
        yield road


@pytest.fixture
def private_index(road: Road, tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """A copy of the index that the test may spoil; called, it is served from then on in place of the shared one."""
    folder = tmp_path / "index"
    shutil.copytree(road.index, folder)
    with serve(folder) as url:

        def use() -> Path:
            road.index_url = url
            return folder

        yield use


@pytest.fixture
def channel(road: Road) -> Path:
    """A channel for the model, which has all but its pip list; its conda.yaml names it."""
    import tinyconda

    folder = road.folder / "channel"
    tinyconda.make_python(folder, "3.11.9")
    tinyconda.make_module(folder, "tiny-numbers", "2.0", depends=("python", "tiny-native"))
    tinyconda.make_package(folder, "tiny-native", files={"lib/libtiny.so.1": b"\0"}, form="conda")
    tinyconda.make_package(folder, "pip", "23.1", depends=("python",))
    address = tinyconda.index(folder)
    (road.model / "conda.yaml").write_text(
        f"channels:\n- {address}\ndependencies:\n- python=3.11.9\n- pip<=24\n- tiny-native\n- tiny-numbers>=1\n"
        "- pip:\n  - mlflow==3.17.2\n  - tiny-loader==1.0\n"
    )
    return folder


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate that nobody vouches for, with its key in the same file; `ca.crt` beside it is the certificate."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    path = tmp_path / "registry.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", str(tmp_path / "ca.crt")]
    subprocess.run([*command, *names], check=True, capture_output=True)
    path.write_text(path.read_text() + (tmp_path / "ca.crt").read_text())
    return path
