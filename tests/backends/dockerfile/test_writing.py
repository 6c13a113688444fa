"""A context is written whole or not at all, the same on every machine, and never over what is not its own."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tarfile
from pathlib import Path
from typing import Any

import pytest

from envbuild.backends.dockerfile.earlier import MARKER
from envbuild.backends.dockerfile.types import Context
from envbuild.backends.dockerfile.writing import stream_tar, write_folder
from envbuild.errors import CorruptBlobError, IntegrityError, ModelError, UsageError

NAMES = [
    "RUN rm -rf",
    "Dockerfile",
    ".dockerignore",
    "-f",
    "käse 模型.bin",
    "a\nRUN id",
    "sub folder/ENV A=b",
    "x" * 150,
]
Found = dict[str, tuple[str, int, object]]


def in_folder(root: Path) -> Found:
    found: Found = {}
    for path in sorted(root.rglob("*")):
        name, mode = path.relative_to(root).as_posix(), stat.S_IMODE(path.lstat().st_mode)
        assert path.lstat().st_mtime == 315532800
        if path.is_symlink():
            found[name] = ("link", 0o777, str(path.readlink()))
        elif path.is_dir():
            found[name] = ("folder", mode, "")
        elif name != MARKER:
            found[name] = ("file", mode, path.read_bytes())
    return found


def in_tar(context: Context) -> Found:
    found: Found = {}
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream_tar(context)))) as tar:
        for member in tar:
            assert (member.uid, member.gid, member.uname, member.mtime) == (0, 0, "", 315532800)
            if member.issym():
                found[member.name] = ("link", 0o777, member.linkname)
            elif member.isdir():
                found[member.name] = ("folder", member.mode, "")
            else:
                content = tar.extractfile(member)
                assert content is not None
                found[member.name] = ("file", member.mode, content.read())
    return found


def test_folder_and_tar_hold_the_same_whatever_the_names(bench: Any, tmp_path: Path) -> None:
    for name in NAMES:
        bench.write(name, name.encode(), 0o755 if name == "-f" else 0o600)
    context = bench.context()
    size = write_folder(context, tmp_path / "out")
    written = in_folder(tmp_path / "out")
    assert written == in_tar(context)
    assert size == sum(len(content) for kind, _, content in written.values() if kind == "file")  # type: ignore[arg-type]
    for name in NAMES:
        assert written[f"model/{name}"] == ("file", 0o755 if name == "-f" else 0o644, name.encode())
    assert written["venv/bin/python"] == ("link", 0o777, "/usr/bin/python3.11")
    assert written["server/opt/ml/model"][0] == "link"


def test_the_umask_plays_no_part(bench: Any, tmp_path: Path) -> None:
    context = bench.context()
    write_folder(context, tmp_path / "one")
    before = os.umask(0o077)
    try:
        write_folder(context, tmp_path / "two")
    finally:
        os.umask(before)
    assert in_folder(tmp_path / "one") == in_folder(tmp_path / "two")
    assert stat.S_IMODE((tmp_path / "two").stat().st_mode) == 0o755


def test_the_tar_is_the_same_each_time_and_comes_in_small_pieces(bench: Any) -> None:
    bench.write("large.bin", os.urandom(5 << 20))
    context = bench.context()
    pieces = list(stream_tar(context))
    assert b"".join(pieces) == b"".join(stream_tar(bench.context()))
    assert max(map(len, pieces)) <= 1 << 20
    assert sum(map(len, pieces)) % tarfile.RECORDSIZE == 0


def test_model_files_are_copies(bench: Any, tmp_path: Path) -> None:
    write_folder(bench.context(), tmp_path / "out")
    (tmp_path / "out" / "model" / "model.pkl").write_bytes(b"other")
    assert (bench.root / "model.pkl").read_bytes() == b"weights"


@pytest.mark.parametrize("content", [b"WEIGHTS", b"short", b"longer than it was", None])
def test_a_file_that_changes_meanwhile_leaves_nothing(bench: Any, tmp_path: Path, content: bytes | None) -> None:
    context = bench.context()
    if content is None:
        (bench.root / "model.pkl").unlink()
    else:
        bench.write("model.pkl", content)
    parent = tmp_path / "parent"
    with pytest.raises(ModelError, match=r"model\.pkl"):
        write_folder(context, parent / "out")
    assert list(parent.iterdir()) == []
    with pytest.raises(ModelError):
        b"".join(stream_tar(context))


def test_a_damaged_blob_is_told_as_one(bench: Any, tmp_path: Path) -> None:
    context = bench.context()
    blob = bench.store.blob(bench.base.layers[0].digest)
    blob.write_bytes(b"x" * blob.stat().st_size)
    with pytest.raises(CorruptBlobError) as caught:
        write_folder(context, tmp_path / "out")
    assert caught.value.digest == bench.base.layers[0].digest
    assert not (tmp_path / "out").exists()


def test_an_earlier_context_is_replaced_and_what_was_added_stays(bench: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    bench.write("gone.bin", b"1")
    write_folder(bench.context(), out)
    (out / "build" / "ca.pem").write_text("authorities")
    (out / "notes").mkdir()
    (out / "notes" / "todo.txt").write_text("mine")
    (bench.root / "gone.bin").unlink()
    bench.write("model.pkl", b"retrained")
    write_folder(bench.context(), out)
    assert (out / "model" / "model.pkl").read_bytes() == b"retrained"
    assert (out / "build" / "ca.pem").read_text() == "authorities"
    assert (out / "notes" / "todo.txt").read_text() == "mine"
    assert not (out / "model" / "gone.bin").exists()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_an_edited_dockerfile_is_replaced_only_by_force(bench: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    context = bench.context()
    write_folder(context, out)
    with (out / "Dockerfile").open("a") as file:
        file.write("# mine\n")
    with pytest.raises(UsageError, match="edited") as caught:
        write_folder(context, out)
    assert "--force" in caught.value.hint
    assert (out / "Dockerfile").read_text().endswith("# mine\n")
    write_folder(context, out, force=True)
    assert (out / "Dockerfile").read_text() == context.dockerfile


def test_what_is_no_context_is_never_replaced(bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = bench.context()
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "thesis.tex").write_text("years of work")
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to("project")
    monkeypatch.chdir(tmp_path / "project")
    for name in ("project", "file", "link"):
        with pytest.raises(UsageError):
            write_folder(context, tmp_path / name, force=True)
    assert (tmp_path / "project" / "thesis.tex").read_text() == "years of work"
    (tmp_path / "empty").mkdir()
    write_folder(context, tmp_path / "empty")
    monkeypatch.chdir(tmp_path / "empty" / "model")
    with pytest.raises(UsageError, match="working directory"):
        write_folder(context, tmp_path / "empty")


@pytest.mark.parametrize("name", [".wh.model.pkl", ".wh..wh..opq"])
def test_a_name_that_would_hide_a_file_of_the_base_is_refused(bench: Any, name: str) -> None:
    bench.write(name, b"")
    with pytest.raises(IntegrityError, match="reserved"):
        bench.context()


def test_wheels_go_along_where_that_is_asked_for(bench: Any, entry_paths: Any) -> None:
    data = b"a wheel"
    digest = hashlib.sha256(data).hexdigest()
    packages = tuple(p for p in bench.packages() if p.name != "numpy")
    from dataclasses import replace

    packages = (*packages, replace(bench.packages()[1], sha256=digest, url="file:///srv/wheels/numpy.whl"))
    bench.store.put(data)
    lock = bench.lock(packages)
    context = bench.context(bench.plan(packages=packages), lock=lock)
    texts = {entry.path: entry.text for entry in context.entries}
    assert "build/wheels/numpy-1.0-py3-none-any.whl" in texts
    assert "numpy" not in str(texts["build/requirements.txt"])
    assert bench.fetched == []
    only = tuple(p for p in packages if p.name == "numpy")
    alone = bench.context(bench.plan(packages=only), lock=bench.lock(only), wheels="context")
    assert "build/fetch.py" not in entry_paths(alone)
    assert "/build/fetch.py" not in alone.dockerfile
