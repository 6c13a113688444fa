"""Files that were made to exhaust who reads them: `envbuild lint` takes two seconds and 200 MB for each at most."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import pickle
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

GOOD = (
    "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    python_version: 3.11.7\n"
    "    model_path: model.pkl\n    env: {conda: conda.yaml, virtualenv: python_env.yaml}\n"
)
CONDA = "dependencies:\n- python=3.11.7\n- pip\n- pip:\n  - numpy==2.4.6\n"
# Runs the command, then tells its CPU seconds and the most memory it ever had, in kB.
MEASURED = (
    "import sys, time\nfrom envbuild.cli.main import run\ncode = run(sys.argv[1:])\n"
    "peak = next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
    "print(code, time.process_time(), peak)"
)
SECONDS, KILOBYTES = 2.0, 200_000

# The tests that `make test` runs; the others are for `make test-slow`.
QUICK = {
    *("lists in lists", "anchors that expand", "NULs", "byte order marks", "100,000 packages", "one marker", "doubled"),
    *("zlib of zeros", "a zip of marks", "brackets", "signs", "utf-16", "crlf", "utf-8-sig", "device", "pipe"),
}
pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the kernel tells no peak of memory")
Lint = Callable[..., tuple[int, str]]


def each(names: Iterable[str]) -> list[object]:
    """The names as parameters, the slow ones marked."""
    return [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in names]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A model folder whose files are good."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "MLmodel").write_text(GOOD)
    (folder / "conda.yaml").write_text(CONDA)
    (folder / "model.pkl").write_bytes(pickle.dumps([1, 2, 3]))
    return folder


@pytest.fixture
def lint(root: Path, tmp_path: Path) -> Lint:
    """Lint the folder within the limits: the exit code, and the findings as JSON or the error."""

    def run(*words: object, data: bytes | None = None) -> tuple[int, str]:
        out = tmp_path / "findings.json"
        model = "-" if data is not None else str(root)
        command = [sys.executable, "-c", MEASURED, "lint", model, "-q", "--output-format", "json"]
        command += ["--output-file", str(out), "--no-config", *map(str, words)]
        env = {**os.environ, "ENVBUILD_CACHE_DIR": str(tmp_path / "cache")}
        done = subprocess.run(command, input=data or b"", capture_output=True, env=env, timeout=60, check=False)
        told = done.stderr.decode()
        assert done.stdout, told[-2000:]
        code, seconds, peak = done.stdout.decode().split()[-3:]
        assert "Traceback" not in told
        assert int(code) in range(10), told
        assert float(seconds) < SECONDS, f"{seconds} s"
        assert int(peak) < KILOBYTES, f"{peak} kB"
        return int(code), (out.read_text() if out.exists() else "") + told

    return run


def anchors(levels: int, times: int) -> str:
    """Lists of lists by anchors: `times` ** `levels` values when they are expanded."""
    lines = [f"a0: &a0 [{', '.join(['x'] * times)}]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * times)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


YAML = {
    "lists in lists": "[" * 300_000,
    "mappings in mappings": "{a: " * 200_000,
    "dashes": "- " * 200_000,
    "keys on a line": "a: " * 100_000,
    "indented": "\n".join(" " * n + "a:" for n in range(1300)),
    "anchors that expand": anchors(9, 9),
    "anchors that expand deep": anchors(200, 2),
    "an anchor inside of itself": "a: &a [*a]\n",
    "merges that expand": "a0: &a0 {x: 1}\n"
    + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 40)),
    "aliases": "a: &a x\nb: [" + "*a, " * 150_000 + "]\n",
    "one long word": "x" * 1_000_000,
    "one long text": "a: '" + "x" * 900_000 + "'\n",
    "many keys": "".join(f"k{n}: 1\n" for n in range(90_000)),
    "equal keys": "k: 1\n" * 90_000,
    "numbers": "a: [" + ",".join(["1e999999999", "9" * 400, "0x" + "f" * 400, "1:2:3:4.5"] * 500) + "]\n",
    "one number": "a: " + "9" * 900_000 + "\n",
    "underscores": "a: 1" + "_" * 900_000 + "\n",
    "tags": "a: !!python/object/apply:os.system ['true']\n",
    "comments": "# x\n" * 200_000,
    "spaces": " " * 1_000_000,
    "quotes": "a: '" + "''" * 400_000,
    "folded": "a: >\n" + "  x\n" * 200_000,
    "documents": "---\n" * 200_000,
    "NULs": "\0" * 100_000,
    "byte order marks": "\ufeff" * 100_000,
}


@pytest.mark.parametrize("file", ["MLmodel", "conda.yaml", "python_env.yaml"])
@pytest.mark.parametrize("what", each(YAML))
def test_yaml(root: Path, lint: Lint, file: str, what: str) -> None:
    (root / file).write_text(YAML[what])
    if file == "python_env.yaml":
        (root / "conda.yaml").unlink()
    assert lint()[0] == 1


@pytest.mark.parametrize("encoding", each(["utf-16", "utf-16-be", "utf-32", "utf-8-sig", "latin-1", "crlf", "cr"]))
@pytest.mark.parametrize("file", ["MLmodel", "conda.yaml", "requirements.txt"])
def test_other_encodings(root: Path, lint: Lint, file: str, encoding: str) -> None:
    text = {"MLmodel": GOOD, "conda.yaml": CONDA, "requirements.txt": "numpy==2.4.6\n"}[file] + "# é\n"
    if encoding in ("crlf", "cr"):
        data = text.replace("\n", "\r\n" if encoding == "crlf" else "\r").encode()
    else:
        data = text.encode(encoding)
    if file == "requirements.txt":
        (root / "conda.yaml").unlink()
    (root / file).write_bytes(data)
    _, told = lint()
    readable = encoding in ("utf-8-sig", "crlf", "cr")
    assert ("not UTF-8" not in told) is readable


REQUIREMENTS = {
    "100,000 packages": "".join(f"p{n}\n" for n in range(100_000)),
    "100,000 pins": "".join(f"a{n % 99}==1\n" for n in range(100_000)),
    "100,000 times the same": "numpy==1\n" * 100_000,
    "100,000 times the server": "mlflow==2\n" * 100_000,
    "100,000 bad lines": "= = =\n" * 100_000,
    "100,000 options": "-r x\n" * 100_000,
    "itself": "-r requirements.txt\n" * 50_000,
    "addresses": "a @ https://u:p@h/x\n" * 45_000,
    "markers": "a; os_name == 'x'\n" * 50_000,
    "one marker": "a; " + "(" * 100_000 + "os_name == 'x'" + ")" * 100_000,
    "one marker of many": "a; " + " or ".join(["os_name == 'x'"] * 40_000),
    "one line": "a" * 900_000,
    "extras": "a[" + ",".join(f"e{n}" for n in range(100_000)) + "]",
    "specifiers": "a" + ",".join(f"!={n}" for n in range(100_000)),
    "numpy's specifiers": "numpy" + ",".join(f"!={n}.0" for n in range(90_000)),
    "a long version": "numpy==" + "1." * 400_000 + "1",
    "a big version": "numpy==" + "9" * 900_000,
    "continued lines": "numpy==1 \\\n" * 80_000,
    "hashes": "numpy==1 " + "--hash=sha256:0 " * 50_000,
    "spaces": "numpy" + " " * 900_000 + "==1",
    "variables": "${A}" * 200_000,
    "wide characters": "\u202e\U0001d4b3" * 100_000,
}


@pytest.mark.parametrize("what", each(REQUIREMENTS))
def test_requirements(root: Path, lint: Lint, what: str) -> None:
    (root / "conda.yaml").unlink()
    (root / "requirements.txt").write_text(REQUIREMENTS[what])
    assert lint()[0] == 1


@pytest.mark.parametrize("what", each(REQUIREMENTS))
def test_requirements_in_a_conda_yaml(root: Path, lint: Lint, what: str) -> None:
    lines = REQUIREMENTS[what].replace("\\\n", "").splitlines()[:60_000]
    data = (CONDA + "".join(f"  - {json.dumps(line)}\n" for line in lines)).encode()
    (root / "conda.yaml").write_bytes(data)
    assert lint()[0] == 1
    lint(data=data)


@pytest.mark.slow
def test_a_chain_of_files(root: Path, lint: Lint) -> None:
    (root / "conda.yaml").unlink()
    (root / "requirements.txt").write_text("-r r0.txt\n")
    for number in range(2_000):
        (root / f"r{number}.txt").write_text(f"-r r{number + 1}.txt\n" * 2)
    lint()


@pytest.mark.slow
def test_a_signature_of_many_columns(root: Path, lint: Lint) -> None:
    columns = json.dumps([{"name": f"c{n}", "type": "double"} for n in range(100_000)])
    deep = "[" * 100_000
    for text in (columns, deep, '{"a":' * 100_000, "9" * 100_000, "[" + "1," * 100_000 + "1]"):
        (root / "MLmodel").write_text(GOOD + f"signature:\n  inputs: '{text}'\n  outputs: '{text}'\n")
        lint()


def bomb() -> bytes:
    """A pickle of 60 levels of tuples of the level below, twice: 2 ** 60 values when it is expanded."""
    return b"\x80\x04)" + b"\x94h\x00" + b"".join(b"2\x86" for _ in range(60)) + b"."


def zipped(name: str, data: bytes) -> bytes:
    import io

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return stream.getvalue()


ZEROS = bytes(100 << 20)
OPENED = b"\x80\x04" + b"(" * 50_000_000
PICKLES: dict[str, Callable[[], bytes]] = {
    "doubled": bomb,
    "marks": lambda: b"(" * 5_000_000 + b".",
    "nested": lambda: b"\x80\x04" + b"]" * 1_000_000 + b"a" * 999_999 + b".",
    "memo": lambda: b"\x80\x04N" + b"\x94" * 5_000_000 + b".",
    "a huge memo": lambda: b"\x80\x04Nr\xff\xff\xff\xff0j\xff\xff\xff\xff.",
    "names": lambda: b"\x80\x04" + b"".join(b"cm%d\nn%d\n0" % (n, n) for n in range(200_000)) + b"N.",
    "long names": lambda: b"\x80\x04c" + b"m" * 5_000_000 + b"\n" + b"n" * 5_000_000 + b"\n.",
    "texts": lambda: b"\x80\x04" + b"\x8c\x01x\x940" * 1_000_000 + b"N.",
    "a text that ends nowhere": lambda: b"\x80\x04X\xff\xff\xff\x7f" + b"x" * 1000,
    "bytes that end nowhere": lambda: b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f",
    "a number without end": lambda: b"I" + b"9" * 10_000_000,
    "a long number": lambda: b"\x80\x02\x8b\xff\xff\xff\x7f" + b"\xff" * 1_000_000,
    "frames": lambda: b"\x80\x04" + (b"\x95" + bytes(8)) * 1_000_000 + b".",
    "stops": lambda: b"N." * 2_000_000,
    "protocols": lambda: b"\x80\x04" * 3_000_000 + b"N.",
    "zlib of zeros": lambda: zlib.compress(ZEROS),
    "gzip of zeros": lambda: gzip.compress(ZEROS, 6),
    "bzip2 of zeros": lambda: bz2.compress(ZEROS),
    "xz of zeros": lambda: lzma.compress(ZEROS, preset=0),
    "zlib of marks": lambda: zlib.compress(OPENED, 1),
    "zlib in zlib": lambda: zlib.compress(zlib.compress(ZEROS)),
    "a zip of zeros": lambda: zipped("archive/data.pkl", ZEROS),
    "a zip of marks": lambda: zipped("archive/data.pkl", OPENED),
    "a schema of zeros": lambda: zipped("schema.json", ZEROS),
    "a schema of lists": lambda: zipped("schema.json", b"[" * 10_000_000),
    "a schema of mappings": lambda: zipped("schema.json", b'{"__class__":' * 1_000_000),
    "a schema of many": lambda: zipped("schema.json", b"[" + b'{"__module__":"m","__class__":"c"},' * 500_000 + b"1]"),
    "an archive without its end": lambda: zipped("archive/data.pkl", bomb())[:-10],
}


@pytest.mark.parametrize("what", each(PICKLES))
def test_pickles(root: Path, lint: Lint, what: str) -> None:
    data = PICKLES[what]()
    name = "model.skops" if "schema" in what else "model.pth" if data.startswith(b"PK") else "model.pkl"
    (root / name).write_bytes(data)
    (root / "MLmodel").write_text(GOOD.replace("model.pkl", name))
    lint()


@pytest.mark.parametrize("head", [b"", pickle.dumps([1] * 1000)[:-1], b"\x80\x04X\xff\xff\xff\x7f", b"PK\x03\x04"])
@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "model.pth", "model.skops"])
def test_of_a_pickle_of_two_gigabytes_only_the_head_is_read(root: Path, lint: Lint, name: str, head: bytes) -> None:
    with (root / name).open("wb") as stream:
        stream.write(head)
        stream.truncate(2 << 30)
    (root / "MLmodel").write_text(GOOD.replace("model.pkl", name))
    lint()


@pytest.mark.slow
def test_many_pickles(root: Path, lint: Lint) -> None:
    (root / "parts").mkdir()
    for number in range(5_000):
        (root / "parts" / f"{number}.pkl").write_bytes(b"\x80\x04cm%d\nn\n." % number)
    lint()


SCRIPTS: dict[str, Callable[[], bytes]] = {
    "brackets": lambda: b"x = " + b"(" * 100_000,
    "nested lists": lambda: b"x = " + b"[" * 150 + b"]" * 150,
    "signs": lambda: b"x = " + b"-" * 100_000 + b"1",
    "attributes": lambda: b"x = a" + b".a" * 100_000,
    "calls": lambda: b"x = a" + b"()" * 100_000,
    "sums": lambda: b"x = 1" + b"+1" * 100_000,
    "powers": lambda: b"x = 1" + b"**1" * 100_000,
    "indented": lambda: b"".join(b" " * n + b"if x:\n" for n in range(99)) + b" " * 99 + b"pass\n",
    "deeply indented": lambda: b"".join(b" " * n + b"if x:\n" for n in range(1000)),
    "imports": lambda: b"".join(b"import m%d\n" % n for n in range(50_000)),
    "an import of many": lambda: b"from m import " + b", ".join(b"n%d" % n for n in range(50_000)),
    "functions": lambda: b"".join(b"def f%d(): pass\n" % n for n in range(12_000)),
    "runs": lambda: b"def init(): ...\n" + b"def run(data): ...\n" * 12_000,
    "one long text": lambda: b"x = '" + b"x" * 5_000_000 + b"'\n",
    "one long number": lambda: b"x = " + b"9" * 1_000_000 + b"\n",
    "NULs": lambda: b"\0" * 100_000,
    "UTF-16": lambda: "def init(): ...\n".encode("utf-16"),
    "another encoding": lambda: b"# coding: utf-7\n" + b"+" * 100_000,
    "an encoding that is none": lambda: b"# coding: nope\n",
    "comments": lambda: b"# x\n" * 1_000_000,
    "50 MB": lambda: b"x = 1\n" * 8_000_000,
}


@pytest.mark.parametrize("what", each(SCRIPTS))
def test_scoring_scripts(root: Path, lint: Lint, tmp_path: Path, what: str) -> None:
    script = tmp_path / "score.py"
    script.write_bytes(SCRIPTS[what]())
    lint("--scoring-script", script)


@pytest.mark.parametrize("file", ["MLmodel", "conda.yaml", "requirements.txt", "model.pkl", "input_example.json"])
@pytest.mark.parametrize("kind", each(["pipe", "folder", "loop", "device", "outside"]))
def test_what_is_no_file(root: Path, lint: Lint, file: str, kind: str) -> None:
    path = root / file
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to({"loop": path, "device": Path("/dev/zero"), "outside": Path("/etc/passwd")}[kind])
    code, told = lint()
    assert code != 0
    assert "root:" not in told
