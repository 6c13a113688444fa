"""A container imports what conda and pip brought: a native library, a Python package of a channel, and wheels."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import tinyconda
from builders import buildkit_client
from containers import running
from doors import basic, door
from doubling import cache_folder, write_model
from secrecy import PASSWORD, USER, kept, told
from tinywheels import serve

pytest.importorskip("rattler", reason="needs the extra `conda`")
pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow]

BASE = "debian:bookworm"
LOADER = """
import json
import sys

import numpy
import tiny_numbers


class Teller:
    def predict(self, frame):
        told = [sys.prefix, sys.version.split()[0], tiny_numbers.native(), tiny_numbers.__file__, numpy.__file__]
        return [json.dumps(told)] * len(frame)


def _load_pyfunc(path):
    return Teller()
"""
SITE = f"/opt/envbuild/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
PYTHON = ".".join(map(str, sys.version_info[:3]))


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A channel with a Python that runs, a native library, and a Python package that calls it."""
    if tuple(map(int, platform.libc_ver()[1].split(".")[:2])) > (2, 36):
        pytest.skip(f"this machine's Python needs a newer C library than {BASE} has")
    folder = tmp_path_factory.mktemp("channel")
    tinyconda.make_real_python(folder)
    tinyconda.make_native(folder)
    tinyconda.make_caller(folder)
    tinyconda.make_package(
        folder,
        "tiny-more",
        files={"share/more": f"home = {tinyconda.PLACEHOLDER}\n", "share/both": "more\n"},
        links={"lib64": "lib"},
    )
    tinyconda.make_package(folder, "tiny-other", files={"share/both": "other\n"}, form="conda")
    tinyconda.index(folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, channel: Path) -> Path:
    folder = write_model(tmp_path_factory.mktemp("model") / "teller")
    (folder / "code" / "doubler.py").write_text(LOADER)
    (folder / "conda.yaml").write_text(
        f"channels:\n- {channel.as_uri()}\ndependencies:\n- python={PYTHON}\n- pip\n- tiny-native\n- tiny-numbers>=1\n"
        "- tiny-more\n- tiny-other\n- pip:\n  - mlflow==3.17.2\n".replace("- pip\n", "", 1)
    )
    return folder


@pytest.fixture
def tag() -> Iterator[str]:
    name = "envbuild-test/conda-container:latest"
    yield name
    subprocess.run(["docker", "rmi", name], capture_output=True, check=False)


def build(model: Path, tag: str, cache: Path, home: Path, *arguments: str, alone: bool = False) -> dict[str, Any]:
    """Build the image into the engine; `alone` has no network, not even loopback."""
    command = [sys.executable, "-m", "envbuild", "image", str(model), "-t", tag, "--output", "docker", "--json"]
    command += ["--base", BASE, "--server", "envbuild", *arguments]
    if alone:
        command = ["unshare", "--net", "--map-root-user", *command]
    home.mkdir(exist_ok=True)
    env = {**os.environ, "ENVBUILD_CACHE_DIR": str(cache), "HOME": str(home)}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    if alone and "unshare: " in done.stderr:
        pytest.skip(f"no network namespace can be made here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def check_container(tag: str, model: Path) -> None:
    """The server answers, by the Python of the channel, with what all three kinds of packages say."""
    with running(tag) as container:
        answer = container.post("/invocations", json.loads((model / "serving_input_example.json").read_text()))
    assert answer.status == 200, answer.body
    prefix, version, native, own, wheel = json.loads(answer.body["predictions"][0])
    assert (prefix, version) == ("/opt/envbuild", PYTHON)
    assert native[0].isdecimal()
    assert own == f"{SITE}/tiny_numbers/__init__.py"
    assert wheel == f"{SITE}/numpy/__init__.py"


def test_an_assembled_image_has_all_three_and_is_the_same_offline(
    model: Path, channel: Path, tag: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cache = cache_folder(tmp_path_factory)
    first = build(model, tag, cache, tmp_path / "home", "--backend", "assemble")
    check_container(tag, model)
    # The base's own Python, 3.11, compiles for another release of that minor version.
    if sys.version_info[:2] == (3, 11):
        assert first["bytecode"] == "startup"
        compiled = [path for path in tree_of(tag) if path.endswith("/__pycache__/__init__.cpython-311.pyc")]
        for name in ("json", "site-packages/tiny_numbers", "site-packages/numpy"):
            assert f"opt/envbuild/lib/python3.11/{name}/__pycache__/__init__.cpython-311.pyc" in compiled
    aside = channel.with_name("aside")
    shutil.move(channel, aside)
    try:
        again = build(model, tag, cache, tmp_path / "other", "--backend", "assemble", alone=True)
    finally:
        shutil.move(aside, channel)
    assert again["config_digest"] == first["config_digest"]


@pytest.mark.proof
def test_one_on_a_base_with_another_python_is_what_a_build_makes_and_answers(
    model: Path, tag: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cache = cache_folder(tmp_path_factory)
    # Python's own module for crypt asks for it, where it was compiled with one.
    other = ("--base", "debian:trixie", "--apt", "libcrypt1")
    built = build(model, tag, cache, tmp_path / "home", "--bytecode", "off")
    wanted = build(model, tag, cache, tmp_path / "home", "--bytecode", "off", *other)
    again = build(model, tag, cache, tmp_path / "home", "--bytecode", "off")
    assert again["config_digest"] == built["config_digest"] != wanted["config_digest"]
    command = [sys.executable, "-m", "envbuild", "rebase", tag, *other, "-t", tag, "--output", "docker", "--json"]
    env = {**os.environ, "ENVBUILD_CACHE_DIR": str(cache)}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["config_digest"], found["python"]) == (wanted["config_digest"], PYTHON)
    assert [layer["title"] for layer in found["layers"] if layer["how"] == "written"] == ["what it was made from"]
    check_container(tag, model)


def tree_of(tag: str) -> dict[str, tuple[object, ...]]:
    """Type, mode, owner, link target and hash of each file below the prefix, but for what wheels' installers sign."""
    made = subprocess.run(["docker", "create", tag], capture_output=True, text=True, check=True).stdout.strip()
    found: dict[str, tuple[object, ...]] = {}
    try:
        exported = subprocess.Popen(["docker", "export", made], stdout=subprocess.PIPE)
        with tarfile.open(fileobj=exported.stdout, mode="r|") as tar:
            for member in tar:
                if not member.name.startswith("opt/envbuild/") or member.name.endswith(("/RECORD", "/INSTALLER")):
                    continue
                file = tar.extractfile(member) if member.isreg() else None
                digest = hashlib.sha256(file.read()).hexdigest() if file else ""
                found[member.name] = (member.type, member.mode, member.uid, member.gid, member.linkname, digest)
        assert exported.wait() == 0
    finally:
        subprocess.run(["docker", "rm", made], capture_output=True, check=False)
    return found


@pytest.mark.proof
@pytest.mark.parametrize("builder", ["classic", "auto"])
def test_a_dockerfiles_image_is_the_assembled_one_and_the_same_offline(
    model: Path, channel: Path, tag: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, builder: str
) -> None:
    cache = cache_folder(tmp_path_factory)
    build(model, tag, cache, tmp_path / "home", "--backend", "assemble", "--bytecode", "off")
    assembled = tree_of(tag)
    # Where one compiles more than the other, the record says so.
    off = ["--bytecode", "off"]
    by_engine = [*off, "--backend", "docker", "--builder", builder, "--build-network", "host"]
    first = build(model, tag, cache, tmp_path / "home", *by_engine)
    check_container(tag, model)
    built = tree_of(tag)
    assert len(built) > 3000 and "opt/envbuild/conda-meta/tiny-native-1.0-0.json" in built
    assert sorted(path for path in {*built, *assembled} if built.get(path) != assembled.get(path)) == []
    aside = channel.with_name("aside")
    shutil.move(channel, aside)
    try:
        again = build(model, tag, cache, tmp_path / "other", *by_engine, alone=True)
    finally:
        shutil.move(aside, channel)
    assert again["config_digest"] == first["config_digest"]


@pytest.mark.proof
@pytest.mark.parametrize("buildkit", [False, True], ids=["classic", "buildkit"])
def test_a_written_folder_is_built_by_hand(
    model: Path, tag: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, buildkit: bool
) -> None:
    """Nothing but the folder and docker: the packages of the channel are fetched inside the build."""
    client = buildkit_client() if buildkit else "docker"
    channel = Path(urlsplit((model / "conda.yaml").read_text().split()[2]).path)
    served = tmp_path / "model"
    shutil.copytree(model, served)
    with serve(channel, "" if not buildkit else "reader:secret-of-channel") as url:
        (served / "conda.yaml").write_text((model / "conda.yaml").read_text().replace(channel.as_uri(), url))
        folder = tmp_path / "context"
        logins = url.replace("//", "//reader:secret-of-channel@")
        command = [sys.executable, "-m", "envbuild", "dockerfile", str(served), "-o", str(folder), "--base", BASE]
        command += ["--server", "envbuild", *(["--buildkit"] if buildkit else [])]
        cache = cache_folder(tmp_path_factory)
        env = {**os.environ, "ENVBUILD_CACHE_DIR": str(cache), "ENVBUILD_CONDA_CREDENTIALS": logins}
        done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
        assert done.returncode == 0, done.stderr
        (explicit,) = folder.glob("conda/conda-*.txt")
        assert f"{url}/" in explicit.read_text()
        (tmp_path / "logins").write_text(logins)
        secrets = ["--secret", f"id=conda,src={tmp_path / 'logins'}"] if buildkit else []
        trusted = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE")
        if trusted:
            (folder / "build" / "ca.pem").write_bytes(Path(trusted).read_bytes())
            secrets += ["--secret", f"id=ca,src={trusted}"] if buildkit else []
        built = subprocess.run(
            [client, "build", "--network", "host", "-t", tag, *secrets, str(folder)],
            capture_output=True,
            text=True,
            env={**os.environ, "DOCKER_BUILDKIT": "1" if buildkit else "0"},
            check=False,
        )
    assert built.returncode == 0, (built.stdout + built.stderr)[-4000:]
    check_container(tag, served)
    history = subprocess.run(["docker", "history", "--no-trunc", tag], capture_output=True, text=True, check=True)
    assert "secret-of-channel" not in history.stdout
    assert not any(path.is_file() and b"secret-of-channel" in path.read_bytes() for path in folder.rglob("*"))


@pytest.mark.proof
def test_a_channels_login_opens_it_inside_the_build_and_is_found_nowhere_afterwards(
    model: Path, channel: Path, tag: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """envbuild fills BuildKit's secret by itself, for one of two channels of that host."""
    buildkit_client()
    web, served, cache = tmp_path / "web", tmp_path / "model", cache_folder(tmp_path_factory)
    shutil.copytree(channel, web / "private")
    # No cache has it, here or of the builder's.
    tinyconda.make_package(web / "private", "tiny-new", files={"share/new": os.urandom(9)}, form="conda")
    tinyconda.index(web / "private")
    shutil.copytree(model, served)
    with door(web, basic(f"{USER}:{PASSWORD}")) as (url, asked):
        listed = (model / "conda.yaml").read_text().replace(channel.as_uri(), f"{url}/private")
        (served / "conda.yaml").write_text(listed.replace("- tiny-more\n", "- tiny-more\n- tiny-new\n"))
        login = f"{USER}:{quote(PASSWORD, safe='')}"
        entries = (url.replace("//", "//other:wrong@"), f"{url.replace('//', f'//{login}@')}/private")
        command = [sys.executable, "-m", "envbuild", "image", str(served), "-t", tag, "--output", "docker"]
        command += ["--base", BASE, "--server", "envbuild", "--bytecode", "off", "--backend", "docker"]
        command += ["--builder", "buildkit", "--build-progress", "plain"]
        env = {**os.environ, "ENVBUILD_CACHE_DIR": str(cache), "ENVBUILD_CONDA_CREDENTIALS": " ".join(entries)}
        done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
        assert done.returncode == 0, done.stderr
    package = "/private/linux-64/tiny-new-1.0-0.conda"
    assert [path for path, _ in asked].count(package) == 2  # here, and inside the build
    history = subprocess.run(["docker", "history", "--no-trunc", tag], capture_output=True, text=True, check=True)
    assert told(done.stdout, done.stderr, history.stdout) == []
    saved = tmp_path / "saved"
    saved.mkdir()
    subprocess.run(["docker", "save", tag, "-o", str(saved / "image.tar")], check=True)
    assert kept(saved) == []
    assert kept(cache / "locks") == [] and kept(cache / "conda") == []
