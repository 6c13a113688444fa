"""Both backends make the same image: file by file, in what the image says of itself, and in what it answers."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from containers import running, same

pytestmark = [pytest.mark.engine, pytest.mark.network]

ONE = "named-tensors"
OTHERS = ["diabetes", "forest", "lightgbm", "no-signature", "params", "pyfunc-code", "tensors"]
# One model by each builder: what compiles is the same for all, and takes its time.
COMPILED = ["forest", "lightgbm"]
# What is laid down for these is laid down for others too: they take minutes, and tell what only themselves could.
LIKE_OTHERS = ["diabetes", "no-signature", "params", "pyfunc-code", "tensors"]
# What an engine itself puts into every container that it exports.
ENGINES_OWN = ("dev/", "proc/", "sys/", ".dockerenv", "etc/hostname", "etc/hosts", "etc/resolv.conf", "etc/mtab")
# What may differ, and why: installers sign and list what they wrote, and bytecode is made in another place.
MAY_DIFFER = ("/RECORD", "/INSTALLER", ".pyc")
# Settings of an engine's inspection that say how it was built, not what it is.
HOW_IT_WAS_BUILT = {
    "Image",
    "Hostname",
    "Domainname",
    "AttachStdin",
    "AttachStdout",
    "AttachStderr",
    "Tty",
    "OpenStdin",
    "StdinOnce",
    "ArgsEscaped",
    "OnBuild",
    "Volumes",
}
Build = Callable[..., dict[str, Any]]
Entry = tuple[str, int, int, int, str, str]


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    named = os.environ.get("ENVBUILD_TEST_CACHE")
    return Path(named) if named else tmp_path_factory.mktemp("cache")


@pytest.fixture
def build(shared_cache: Path) -> Iterator[Build]:
    made: list[str] = []

    def image(model: Path, name: str, *arguments: str) -> dict[str, Any]:
        tag = f"envbuild-build-test/{name}:latest"
        command = [sys.executable, "-m", "envbuild", "image", str(model), "-t", tag, "--output", "docker", "--json"]
        env = {**os.environ, "ENVBUILD_CACHE_DIR": str(shared_cache)}
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, env=env, check=False)
        assert done.returncode == 0, done.stderr
        made.append(tag)
        return {**json.loads(done.stdout), "tag": tag}

    yield image
    for tag in made:
        subprocess.run(["docker", "rmi", tag], capture_output=True, check=False)


def tree(tag: str) -> dict[str, Entry]:
    """Every file of an image: its type, mode, owner, group, link target and the hash of its bytes, by its path."""
    made = subprocess.run(["docker", "create", tag], capture_output=True, text=True, check=True)
    container = made.stdout.strip()
    found: dict[str, Entry] = {}
    try:
        exported = subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE)
        with tarfile.open(fileobj=exported.stdout, mode="r|") as tar:
            for member in tar:
                name = member.name.rstrip("/").removeprefix("./")
                if name in ("", ".") or f"{name}/".startswith(ENGINES_OWN):
                    continue
                hashed = ""
                if member.isreg():
                    stream = tar.extractfile(member)
                    assert stream is not None
                    digest = hashlib.sha256()
                    while chunk := stream.read(1 << 20):
                        digest.update(chunk)
                    hashed = digest.hexdigest()
                kind = member.type.decode()
                found[name] = (kind, member.mode, member.uid, member.gid, member.linkname, hashed)
        assert exported.wait() == 0
    finally:
        subprocess.run(["docker", "rm", container], capture_output=True, check=False)
    return found


def unlike(one: dict[str, Entry], other: dict[str, Entry]) -> list[str]:
    """The paths that one tree has and the other lacks or has otherwise, but for what may differ."""
    return sorted(
        path
        for path in one.keys() | other.keys()
        if one.get(path) != other.get(path) and not path.endswith(MAY_DIFFER) and not path.endswith("/__pycache__")
    )


def config(tag: str) -> dict[str, Any]:
    """What the image says of itself."""
    done = subprocess.run(["docker", "image", "inspect", tag], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)[0]
    own = {name: value for name, value in found["Config"].items() if name not in HOW_IT_WAS_BUILT}
    own["Cmd"] = own.get("Cmd") or []
    own["WorkingDir"] = own.get("WorkingDir") or "/"
    own["Healthcheck"] = {name: value for name, value in own["Healthcheck"].items() if value}
    own["Env"] = sorted(own["Env"])
    return {**own, "Architecture": found["Architecture"], "Os": found["Os"]}


def answers(tag: str, model: Path) -> list[Any]:
    """What a container of the image answers to the model's own example, and to a few other questions."""
    question = json.loads((model / "serving_input_example.json").read_text())
    with running(tag, seconds=240) as container:
        asked = [
            container.post("/invocations", question),
            container.post("/invocations", {"nothing": []}),
            container.ask("GET", "/ping"),
            container.ask("GET", "/nowhere"),
        ]
    assert asked[0].status == 200, asked[0].body
    return [[answer.status, answer.body] for answer in asked]


def compare(build: Build, model: Path, *arguments: str, bytecode: str = "auto") -> None:
    given = ["--server", "envbuild", "--bytecode", bytecode]
    assembled = build(model, f"{model.name}-assembled", *given, "--backend", "assemble")
    built = build(model, f"{model.name}-built", *given, "--backend", "docker", "--build-network", "host", *arguments)
    one, other = tree(assembled["tag"]), tree(built["tag"])
    assert len(one) > 3000
    assert unlike(one, other) == [], {p: (one.get(p), other.get(p)) for p in unlike(one, other)[:10]}
    if assembled["bytecode"] != "off":
        # One is chosen by a look at the sources, the other by what is imported: what is compiled differs at its edges.
        assert {"mlflow", "numpy", "pandas"} <= compiled(one) & compiled(other)
    assert config(assembled["tag"]) == config(built["tag"])
    found, expected = answers(built["tag"], model), answers(assembled["tag"], model)
    assert same(found, expected), (found, expected)


def compiled(found: dict[str, Entry]) -> set[str]:
    """The packages that have bytecode."""
    inside = (path.partition("/site-packages/")[2] for path in found if path.endswith(".pyc"))
    return {path.partition("/")[0] for path in inside if path}


@pytest.mark.slow
def test_one_model_is_the_same_by_both_backends(build: Build, fixture_models: Path) -> None:
    compare(build, fixture_models / ONE, "--wheels", "context", bytecode="off")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.proof] if name in LIKE_OTHERS else []) for name in OTHERS]
)
def test_every_other_model_is_the_same_by_both_backends(build: Build, fixture_models: Path, name: str) -> None:
    # By turns: packages from the index by BuildKit if it can be had, and packages sent along to the classic builder.
    ways = [["--builder", "auto"], ["--builder", "classic", "--wheels", "context"]]
    bytecode = "auto" if name in COMPILED else "off"
    compare(build, fixture_models / name, *ways[OTHERS.index(name) % 2], bytecode=bytecode)


def test_no_model_is_left_out(fixture_models: Path) -> None:
    assert sorted(path.name for path in fixture_models.iterdir() if path.is_dir()) == sorted([ONE, *OTHERS])


def test_a_difference_would_be_seen() -> None:
    entry: Entry = ("0", 0o644, 0, 0, "", "aa")
    one = {"a": entry, "b": entry, "x.dist-info/RECORD": entry, "only": entry}
    changed = {"a": ("0", 0o755, 0, 0, "", "aa"), "b": ("0", 0o644, 0, 0, "", "bb"), "x.dist-info/RECORD": entry}
    assert unlike(one, changed) == ["a", "b", "only"]
