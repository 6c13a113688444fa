"""Groups of modules are compiled by a foreign interpreter, each as in a process of its own."""

from __future__ import annotations

import json
import marshal
import os
import sys
import threading
import time
import types
from collections.abc import Sequence
from importlib.util import MAGIC_NUMBER, source_hash
from pathlib import Path

import pytest

from envbuild.backends.bytecode import compile as compiling
from envbuild.backends.bytecode.compile import Group, Toolchain, compile_groups, pyc_path
from envbuild.backends.bytecode.processes import Processes
from envbuild.backends.bytecode.records import pack, unpack
from envbuild.errors import EnvbuildError
from envbuild.oci.store import Store

HERE = Toolchain(
    command=(sys.executable,),
    environment=(("PYTHONHASHSEED", "0"),),
    identity="here",
    tag=str(sys.implementation.cache_tag),
)
SOURCES = {
    "a.py": b"x = 1\n",
    "b/__init__.py": b"def f():\n    '''doc'''\n    assert x\n",
    "latin.py": b"# -*- coding: latin-1 -*-\nx = '\xe4'\n",
    "nul.py": b"x = '\0'\n",
    "old.py": b"print 'x'\n",
    "template.py": b"{{ name }} = 1 +\n",
    "unknown.py": b"# -*- coding: no-such-codec -*-\n",
    "warned.py": b"x = 1 is 1\n",
}


def group(sources: dict[str, bytes], title: str = "pkg-1.0.whl", content: str = "c") -> Group:
    return Group(
        title=title,
        content=content,
        folder="opt/site",
        paths=tuple(sorted(sources)),
        read=lambda paths: [sources[path] for path in paths],
    )


def test_modules_become_unchecked_pycs_and_what_is_no_python_is_left_out(store: Store) -> None:
    (digest,) = compile_groups([group(SOURCES)], HERE, store)
    found = dict(unpack(store.read(digest)))
    assert list(found) == [f"opt/site/{name}" for name in ("a.py", "b/__init__.py", "latin.py", "warned.py")]
    for path, data in found.items():
        source = SOURCES[path.removeprefix("opt/site/")]
        assert data[:4] == MAGIC_NUMBER
        assert int.from_bytes(data[4:8], "little") == 0b01
        assert data[8:16] == source_hash(source)
        code = marshal.loads(data[16:])
        assert isinstance(code, types.CodeType)
        assert code.co_filename == f"/{path}"
    space: dict[str, object] = {}
    exec(marshal.loads(found["opt/site/latin.py"][16:]), space)
    assert space["x"] == "ä"
    docs = [c for c in marshal.loads(found["opt/site/b/__init__.py"][16:]).co_consts if hasattr(c, "co_consts")]
    assert "doc" in docs[0].co_consts, "docstrings and assertions stay"


def test_many_groups_at_once_give_what_each_gives_alone(store: Store, tmp_path: Path) -> None:
    groups = [
        group({f"m{i}.py": b"x = %d\ny = 'shared'\n" % i, "s.py": SOURCES["a.py"]}, content=str(i)) for i in range(9)
    ]
    alone = Store(tmp_path / "alone")
    assert compile_groups(groups, HERE, store) == [compile_groups([one], HERE, alone)[0] for one in groups]


def test_a_group_gives_the_same_bytes_whatever_its_process_compiled_before() -> None:
    """marshal writes a string otherwise if the interpreter holds it already, so nothing may be left behind."""
    top = Path(json.__file__).parents[1]
    groups = []
    for name in ("asyncio", "collections", "concurrent", "email", "html", "http", "importlib", "json", "logging"):
        sources = {str(file.relative_to(top)): file.read_bytes() for file in sorted((top / name).rglob("*.py"))}
        groups.append(group(sources, title=name, content=name))

    # Python keeps strings of one letter for ever: a name made of one changes what the next group finds.
    groups.append(group({"a.py": "ÿ = 1\n".encode()}, title="name", content="name"))
    groups.append(group({"b.py": "print('ÿ')\n".encode()}, title="text", content="text"))

    def compiled(order: Sequence[Group]) -> dict[str, bytes]:
        with Processes(HERE) as processes:
            return {one.title: b"".join(processes.compile(one, pairs(one))) for one in order}

    def pairs(one: Group) -> list[tuple[str, bytes]]:
        return list(zip(one.paths, one.read(one.paths), strict=True))

    alone = {title: data for one in groups for title, data in compiled([one]).items()}
    assert compiled(groups) == alone
    assert compiled(groups[::-1]) == alone
    assert compiled([*groups[3:], *groups[:3], *groups]) == alone


def test_what_was_compiled_is_not_compiled_again(store: Store) -> None:
    first = compile_groups([group(SOURCES)], HERE, store)
    broken = Toolchain(command=("/bin/false",), environment=(), identity="here", tag=HERE.tag)
    assert compile_groups([group(SOURCES)], broken, store) == first
    for other in (
        group(SOURCES, content="d"),
        group({"a.py": SOURCES["a.py"]}),
    ):
        with pytest.raises(EnvbuildError):
            compile_groups([other], broken, store)
    with pytest.raises(EnvbuildError):
        compile_groups(
            [group(SOURCES)], Toolchain(command=("/bin/false",), environment=(), identity="x", tag=HERE.tag), store
        )


def test_a_failing_interpreter_is_named_with_what_it_said(store: Store, tmp_path: Path) -> None:
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho first >&2\necho 'the last line' >&2\nexit 3\n")
    script.chmod(0o755)
    cases = {
        (str(script),): r"could not compile pkg-1\.0\.whl: the last line",
        ("/bin/false",): r"could not compile pkg-1\.0\.whl: exit code 1",
        ("/bin/sh", "-c", "kill -9 $$"): r"could not compile pkg-1\.0\.whl: signal 9",
        (str(tmp_path / "none"),): r"cannot be started to compile pkg-1\.0\.whl",
    }
    for command, message in cases.items():
        toolchain = Toolchain(command=command, environment=(), identity="x", tag="t")
        with pytest.raises(EnvbuildError, match=message) as caught:
            compile_groups([group(SOURCES)], toolchain, store)
        assert "--bytecode off" in caught.value.hint
    assert not store.key_files()


def test_an_interpreter_of_another_version_is_refused(store: Store) -> None:
    toolchain = Toolchain(command=HERE.command, environment=HERE.environment, identity="x", tag="cpython-27")
    with pytest.raises(EnvbuildError, match=f"the interpreter is {HERE.tag}, not cpython-27"):
        compile_groups([group(SOURCES)], toolchain, store)


def test_an_interrupted_run_leaves_no_process(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 60\n")
    script.chmod(0o755)
    toolchain = Toolchain(command=(str(script),), environment=(("PATH", os.environ["PATH"]),), identity="x", tag="t")

    def interrupted(work: Sequence[object]) -> None:
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(compiling, "as_completed", interrupted)
    threads = threading.active_count()  # the test runner may have some of its own
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        compile_groups([group(SOURCES), group(SOURCES, content="2")], toolchain, store)
    assert time.monotonic() - start < 30
    assert not Path(f"/proc/{int((tmp_path / 'pid').read_text())}").exists()
    assert threading.active_count() == threads


def test_records_come_back_as_they_went_in() -> None:
    items = [("a", b""), ("ä/b.py", b"\0" * 1000), ("", b"x")]
    data = pack(items)
    assert list(unpack(data)) == items
    with pytest.raises(ValueError, match="cut short"):
        list(unpack(data[:-1]))


def test_bytecode_lies_where_python_looks_for_it() -> None:
    import importlib.util

    tag = str(sys.implementation.cache_tag)
    for path in ("opt/a.py", "opt/b/__init__.py", "opt/b/c.d.py"):
        assert "/" + pyc_path(path, tag) == importlib.util.cache_from_source("/" + path, optimization="")
