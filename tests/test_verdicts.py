"""A verdict is remembered under everything that it depends on, and not at all where something could not be seen."""

from __future__ import annotations

import ast
import io
import os
import shutil
import time
import zipfile
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from folders import write_files
from lintcases import GOOD, conda, script

from envbuild import Options, linting, verdicts
from envbuild.bases.types import Base, Interpreter
from envbuild.errors import CorruptBlobError, ModelError
from envbuild.judging import Judge
from envbuild.linter.types import Finding, Target
from envbuild.model import read
from envbuild.model.pickles import scanning
from envbuild.model.script import parse_script
from envbuild.model.types import Model
from envbuild.oci.store import Store
from envbuild.resolver.types import Lock, LockedPackage, WheelContents
from envbuild.servers import PROFILES

PACKAGE = Path(verdicts.__file__).parent
SECRET = "s3cret"


@pytest.fixture(autouse=True)
def own_settings_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("UV_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def model(tmp_path: Path) -> Model:
    """One that asks for a private package, on a Python that is supported for some more months."""
    return read(write_files(tmp_path / "model", {**GOOD, "conda.yaml": conda("dbutils==1", "mylib")}))


def judge(model: Model, store: Store | None) -> Judge:
    options = Options()
    return Judge(model, linting.target(model, options), linting.choice(options), store)


def severities(model: Model, store: Store | None) -> dict[str, str]:
    return {finding.code: finding.severity for finding in judge(model, store).of_files()}


def kept(store: Store, beginning: str) -> int:
    return sum(f'"key":"{beginning}'.encode() in path.read_bytes() for path in store.key_files())


# What the rules are asked about


def test_an_index_that_is_named_later_counts(model: Model, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert severities(model, store)["EB604"] == "error"
    monkeypatch.setenv("UV_INDEX", f"internal=https://bob:{SECRET}@pypi.example.com/simple")
    assert severities(model, store)["EB604"] == "warning"
    assert "EB605" not in severities(model, store)
    monkeypatch.setenv("UV_INDEX_STRATEGY", "unsafe-best-match")
    assert severities(model, store)["EB605"] == "warning"
    assert severities(model, store) == severities(model, None)
    monkeypatch.delenv("UV_INDEX")
    assert severities(model, store)["EB604"] == "error"


def test_no_login_of_an_index_reaches_the_store(model: Model, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_FIND_LINKS", "UV_INDEX_STRATEGY"):
        monkeypatch.setenv(name, f"https://bob:{SECRET}@pypi.example.com/simple")
    severities(model, store)
    assert kept(store, "verdict:files:") == 1
    assert not [path for path in store.root.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("variables", "own", "strategy"),
    [
        ({}, False, ""),
        ({"UV_INDEX": "https://h/simple"}, True, ""),
        ({"UV_INDEX": ""}, False, ""),
        ({"UV_TORCH_BACKEND": "cpu"}, True, ""),
        ({"UV_INDEX_STRATEGY": "unsafe-first-match"}, False, "unsafe-first-match"),
        ({"UV_INDEX_STRATEGY": "first-index"}, False, ""),
        # Bytes that are no UTF-8 are no strategy of uv's.
        ({"UV_INDEX_STRATEGY": "unsafe-\udcff"}, False, ""),
    ],
)
def test_the_target_tells_the_rules_of_the_environment(
    model: Model, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], own: bool, strategy: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    target = linting.target(model, Options())
    assert (target.own_indexes, target.index_strategy) == (own, strategy)
    target = linting.target(model, Options(accelerator="cpu"))
    assert (target.own_indexes, target.accelerator) == (True, "cpu")


def test_another_month_is_another_verdict(model: Model, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def on(day: str) -> None:
        monkeypatch.setattr(time, "gmtime", lambda *_: time.strptime(day, "%Y-%m-%d"))

    on("2027-10-31")
    assert "EB201" not in severities(model, store)
    on("2027-11-01")
    assert severities(model, store)["EB201"] == "warning"
    on("2027-11-30")
    assert severities(model, store)["EB201"] == "warning"
    assert kept(store, "verdict:files:") == 2


def test_every_field_of_the_target_counts(model: Model) -> None:
    """One that a rule reads and the key leaves out makes a verdict that is told where it does not hold."""
    others: dict[str, Any] = {
        "server": PROFILES["envbuild"],
        "python": "3.12",
        "inject": True,
        "script": script("def run(data): return data\n"),
        "azure": True,
        "platform": "linux/arm64",
        "apt": ("libgomp1",),
        "base": "debian:bookworm",
        "month": "2031-01",
        "own_indexes": True,
        "index_strategy": "unsafe-best-match",
        "accelerator": "cpu",
        "conda": "never",
        "allow_build": ("all",),
    }
    plain, choice = Target(server=PROFILES["azureml"]), linting.choice(Options())
    seen = {verdicts.subject(model, plain, choice)}
    for field in fields(Target):
        seen.add(verdicts.subject(model, replace(plain, **{field.name: others[field.name]}), choice))
    assert len(seen) == len(fields(Target)) + 1
    assert "" not in seen


def test_a_script_is_what_was_read_of_it_not_its_text_alone(model: Model) -> None:
    """What its bytes mean depends on the encoding that it names; the text shows neither letter."""
    names = (b"caf\xe9", b"caf\xe8")
    scripts = [parse_script("score.py", b"# coding: latin-1\nimport " + name + b"\n") for name in names]
    assert scripts[0].text == scripts[1].text
    choice = linting.choice(Options())
    targets = [Target(server=PROFILES["azureml"], script=one) for one in scripts]
    assert len({verdicts.subject(model, target, choice) for target in targets}) == 2


def test_no_rule_asks_the_machine_itself() -> None:
    """What a rule needs to know of the environment or the day is a field of Target, and so in the key."""
    forbidden = {"environ", "getenv", "gmtime", "localtime", "strftime", "today", "now", "utcnow", "expanduser", "home"}
    files = [*(PACKAGE / "linter").glob("*.py"), *(PACKAGE / "linter" / "rules").glob("*.py")]
    assert len(files) > 50
    asked = [
        (file.name, node.lineno)
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr in forbidden)
        or (isinstance(node, ast.ImportFrom) and any(alias.name in forbidden for alias in node.names))
    ]
    assert asked == []


# Which rules they are


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what makes a verdict, every file with the time that a reproducible package gives it."""
    root = tmp_path / "installed"
    shutil.copytree(PACKAGE, root, ignore=shutil.ignore_patterns("__pycache__"))
    for path in root.rglob("*"):
        os.utime(path, (1, 1))
    monkeypatch.setattr(verdicts, "ROOT", root)
    return root


def changed(path: Path) -> None:
    """One digit becomes another; size and time stay."""
    status, text = path.stat(), path.read_text()
    digit = next(letter for letter in text if letter.isdigit())
    path.write_text(text.replace(digit, str((int(digit) + 1) % 10), 1))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)


@pytest.mark.parametrize("settled", [True, False])
@pytest.mark.parametrize("file", ["facts/server_downgrade.json", "linter/rules/eb201_python_eol.py", "judging.py"])
def test_a_change_that_neither_size_nor_time_shows_is_another_installation(
    installation: Path, store: Store, monkeypatch: pytest.MonkeyPatch, settled: bool, file: str
) -> None:
    monkeypatch.setattr(verdicts, "_SETTLED_NS", 0 if settled else 1 << 60)
    before = verdicts.revision(store)
    assert verdicts.revision(store) == before
    assert kept(store, "rules:") == settled
    changed(installation / file)
    assert verdicts.revision(store) != before


def test_the_same_files_elsewhere_are_the_same_installation(
    installation: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = verdicts.revision(store)
    other = tmp_path / "elsewhere"
    shutil.copytree(installation, other, copy_function=shutil.copyfile)
    monkeypatch.setattr(verdicts, "ROOT", other)
    assert verdicts.revision(store) == before


def test_files_that_did_not_change_are_not_read_again(
    installation: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "_SETTLED_NS", 0)
    before = verdicts.revision(store)
    monkeypatch.setattr(verdicts, "_content", lambda paths: pytest.fail("files were read"))
    assert verdicts.revision(store) == before


@pytest.fixture
def packed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files as squashfs and EROFS show them: not to be written, and changed when they were modified."""
    monkeypatch.setattr(verdicts, "_SETTLED_NS", 0)
    found = os.statvfs("/")
    read_only = os.statvfs_result([*found[:8], found.f_flag | os.ST_RDONLY, found.f_namemax])
    monkeypatch.setattr(os, "statvfs", lambda path: read_only)


def test_an_installation_whose_files_have_no_time_of_change_is_read_each_time(
    installation: Path, store: Store, packed: None
) -> None:
    file = installation / "judging.py"
    file.write_bytes(file.read_bytes())
    assert file.stat().st_mtime_ns == file.stat().st_ctime_ns
    time.sleep(0.01)
    verdicts.revision(store)
    assert kept(store, "rules:") == 0


def test_a_large_file_without_a_time_of_change_leaves_the_verdict_unremembered(
    tmp_path: Path, store: Store, packed: None
) -> None:
    model = read(write_files(tmp_path / "large", {**GOOD, "weights.bin": "w" * (300 << 10)}))
    time.sleep(0.01)
    judge(model, store).of_files()
    assert kept(store, "verdict:") == 0
    os.utime(tmp_path / "large" / "weights.bin", (1, 1))
    judge(model, store).of_files()
    assert kept(store, "verdict:") == 1


def test_another_version_or_python_judges_anew(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [verdicts.revision(store)]
    monkeypatch.setattr(verdicts, "__version__", "99.0")
    seen.append(verdicts.revision(store))
    monkeypatch.setattr(verdicts.sys, "version_info", (3, 99, 0, "final", 0))
    seen.append(verdicts.revision(store))
    assert all(one != other for index, one in enumerate(seen) for other in seen[:index])


# What could not be seen


def wheel(store: Store, name: str, *, metadata: bool = True) -> tuple[LockedPackage, bytes]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{name}/__init__.py", "")
        if metadata:
            archive.writestr(f"{name}-1.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n\n")
    data = buffer.getvalue()
    file = f"{name}-1-py3-none-any.whl"
    digest = store.put(data).removeprefix("sha256:")
    return LockedPackage(name=name, version="1", filename=file, sha256=digest, size=len(data)), data


def a_lock(*packages: LockedPackage) -> Lock:
    names = tuple(package.name for package in packages)
    return Lock(packages=packages, python="3.11.2", platform="manylinux_2_36_x86_64", requirements=names)


BASE = Base(
    name="x",
    digest="sha256:" + "0" * 64,
    architecture="amd64",
    interpreter=Interpreter(version="3.11.2", executable="/usr/bin/python3.11", home="/usr"),
    glibc="2.36",
    layers=(),
    config={},
)


@pytest.fixture
def pickled(tmp_path: Path) -> Model:
    """A model whose pickle imports what no package has."""
    files = {"conda.yaml": conda("other==1"), "model.pkl": b"cfeatures\nScaler\n."}
    return read(write_files(tmp_path / "model", {**GOOD, **files}))


def codes(found: list[Finding]) -> set[str]:
    return {finding.code for finding in found}


def test_a_damaged_wheel_is_an_error_that_says_which(pickled: Model, store: Store) -> None:
    package, data = wheel(store, "other")
    lock = a_lock(package)
    store.blob(f"sha256:{package.sha256}").write_bytes(bytes(len(data)))
    with pytest.raises(CorruptBlobError) as caught:
        judge(pickled, store).of_lock(lock, BASE, lambda: lock)
    assert caught.value.digest == f"sha256:{package.sha256}"
    assert kept(store, "verdict:lock:") == 0
    store.blob(f"sha256:{package.sha256}").write_bytes(data)
    assert "EB411" in codes(judge(pickled, store).of_lock(lock, BASE, lambda: lock))
    assert kept(store, "verdict:lock:") == 1


def test_what_is_said_beside_a_wheel_that_nobody_can_read_is_not_remembered(pickled: Model, store: Store) -> None:
    """It is as it was locked, so fetching it again would help nobody."""
    lock = a_lock(wheel(store, "other")[0], wheel(store, "bare", metadata=False)[0])
    assert "EB411" not in codes(judge(pickled, store).of_lock(lock, BASE, lambda: lock))
    assert kept(store, "verdict:lock:") == 0


def test_a_verdict_on_what_a_registry_says_of_a_wheel_is_not_remembered(
    pickled: Model, store: Store, tmp_path: Path
) -> None:
    """It holds for the push at hand; whoever has the wheel finds out for himself."""
    package, data = wheel(Store(tmp_path / "elsewhere"), "other")
    lock = a_lock(package)
    lie = WheelContents(name="other", version=package.version, modules=frozenset({"features"}), size=package.size)
    found = judge(pickled, store).of_lock(lock, BASE, lambda: lock, lambda _: {"other": lie})
    assert "EB411" not in codes(found)
    assert kept(store, "verdict:lock:") == 0
    store.put(data)
    assert "EB411" in codes(judge(pickled, store).of_lock(lock, BASE, lambda: lock, lambda _: {}))


def test_rules_see_the_sizes_of_the_wheels_that_came(pickled: Model, store: Store) -> None:
    """A new lock has none yet, and one of the cache has; both have one digest, so they get one verdict."""
    package, _ = wheel(store, "other")
    new, sized = a_lock(replace(package, size=0)), a_lock(replace(package, size=2 << 30))
    assert new.digest == sized.digest
    first = judge(pickled, store).of_lock(new, BASE, lambda: sized)
    assert "EB806" in codes(first)
    assert judge(pickled, store).of_lock(sized, BASE, lambda: pytest.fail("nothing has to be fetched")) == first


def test_a_pickle_that_the_disk_does_not_give_is_not_remembered_as_none(
    pickled: Model, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ModelError("cannot read model.pkl: Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(scanning, "_read", fails)
        with pytest.raises(ModelError):
            judge(pickled, store).of_files()
    assert (kept(store, "pickles:"), kept(store, "verdict:")) == (0, 0)
    lock = a_lock(wheel(store, "other")[0])
    assert "EB411" in codes(judge(pickled, store).of_lock(lock, BASE, lambda: lock))
    assert (kept(store, "pickles:"), kept(store, "verdict:")) == (1, 2)
