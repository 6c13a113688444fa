"""A model whose conda.yaml lists a native package, a Python package of a conda channel, and a pip list."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import tinyconda
from tampering import Layout
from tinyroad import Road, add_base

pytest.importorskip("rattler", reason="needs the extra `conda`")

# The command, on a machine where neither uv nor rattler's solver can be started.
WITHOUT_SOLVERS = """
import sys
import envbuild.resolver.uv
import rattler
from envbuild.cli.main import run

def refuse(*_, **__):
    raise AssertionError("a solver was started")

rattler.solve = envbuild.resolver.uv.find_uv = envbuild.resolver.uv.compile_lock = refuse
sys.exit(run(sys.argv[1:]))
"""
SITE = "opt/envbuild/lib/python3.11/site-packages"


def files_of(archive: Path) -> dict[str, tarfile.TarInfo]:
    """All files of an image by path; a later layer's come before an earlier one's."""
    with tarfile.open(archive) as tar:

        def read(digest: str) -> bytes:
            file = tar.extractfile("blobs/sha256/" + digest.removeprefix("sha256:"))
            assert file is not None
            return file.read()

        index_file = tar.extractfile("index.json")
        assert index_file is not None
        manifest = json.loads(read(json.loads(index_file.read())["manifests"][0]["digest"]))
        found: dict[str, tarfile.TarInfo] = {}
        for layer in manifest["layers"]:
            with tarfile.open(fileobj=io.BytesIO(read(layer["digest"]))) as inner:
                found |= {member.name: member for member in inner}
        return found


def test_all_three_kinds_lie_in_one_environment(road: Road, channel: Path) -> None:
    done = road.image("--json")
    assert done.returncode == 0, done.stderr
    assert "conda packages are taken from their channels" in done.stderr
    files = files_of(road.folder / "tiny.tar")
    for path in (
        "opt/envbuild/bin/python3.11",
        "opt/envbuild/lib/libtiny.so.1",
        f"{SITE}/tiny_numbers/__init__.py",
        f"{SITE}/tiny_loader/__init__.py",
        f"{SITE}/envbuild_runtime/health.py",
        "opt/envbuild/conda-meta/tiny-native-1.0-0.json",
    ):
        assert path in files, path
    assert files["opt/envbuild/bin/python"].linkname == "python3.11"
    assert "opt/envbuild/pyvenv.cfg" not in files


def test_twice_gives_the_same_image_the_second_time_from_the_cache_alone(
    road: Road, channel: Path, private_index: Callable[[], Path]
) -> None:
    index = private_index()
    first = road.config_digest()
    shutil.rmtree(channel)
    shutil.rmtree(index)
    assert road.config_digest() == first


def test_another_cache_gives_the_same_image(road: Road, channel: Path) -> None:
    first = road.config_digest()
    assert road.config_digest(ENVBUILD_CACHE_DIR=str(road.folder / "another")) == first


def test_the_plan_says_which_way_and_why(road: Road, channel: Path) -> None:
    base = ["--base", f"oci:{road.base}", "--server", "envbuild"]
    done = road.run("plan", str(road.model), "--json", *base)
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert [layer["packages"] for layer in plan["layers"] if layer["kind"] == "conda"] == [
        ["python=3.11.9=0"],
        ["pip=23.1=0", "tiny-native=1.0=0", "tiny-numbers=2.0=pyh0"],
    ]
    said = {decision["what"]: decision for decision in plan["decisions"]}
    assert said["python"]["value"] == "3.11.9 from conda"
    assert any("tiny-native" in d["why"] for d in plan["decisions"] if d["what"] == "packages")
    assert str(road.folder) not in done.stdout
    assert "CONDA_PREFIX=/opt/envbuild" in plan["config"]["config"]["Env"]


@pytest.mark.slow
def test_an_image_for_gpus_has_the_builds_for_them(road: Road, channel: Path) -> None:
    tinyconda.make_package(channel, "tiny-torch", build="cuda12_1", build_number=1, depends=("__cuda >=12",))
    tinyconda.make_package(channel, "tiny-torch", build="cpu_0")
    tinyconda.index(channel)
    listed = road.model / "conda.yaml"
    listed.write_text(listed.read_text().replace("- tiny-native\n", "- tiny-native\n- tiny-torch\n"))
    found = {}
    for accelerator in ("", "cpu", "cuda126"):
        flags = ["--base", f"oci:{road.base}", "--server", "envbuild", "--json"]
        flags += ["--accelerator", accelerator] if accelerator else []
        done = road.run("plan", str(road.model), *flags, CONDA_OVERRIDE_CUDA="12.9")
        assert done.returncode == 0, done.stderr
        plan = json.loads(done.stdout)
        builds = [name for layer in plan["layers"] for name in layer["packages"] if name.startswith("tiny-torch=")]
        found[accelerator] = (builds, any(row.startswith("NVIDIA_") for row in plan["config"]["config"]["Env"]))
    assert found == {
        "": (["tiny-torch=1.0=cpu_0"], False),
        "cpu": (["tiny-torch=1.0=cpu_0"], False),
        "cuda126": (["tiny-torch=1.0=cuda12_1"], True),
    }


def test_locked_takes_no_conda_packages_that_nobody_chose_yet(road: Road, channel: Path) -> None:
    done = road.image("--locked")
    assert (done.returncode, done.stdout) == (12, "")
    assert "the cache has no lock of these conda packages" in done.stderr


def test_never_stops_with_the_lines(road: Road, channel: Path) -> None:
    done = road.image("--conda", "never")
    assert done.returncode in (1, 4)
    assert "tiny-native" in done.stderr


def test_a_build_context_whose_tools_the_index_lacks_is_not_written_by_halves(road: Road, channel: Path) -> None:
    base = ["--base", f"oci:{road.base}", "--server", "envbuild"]
    done = road.run("dockerfile", str(road.model), "-o", str(road.folder / "ctx"), *base)
    assert done.returncode == 4, done.stderr
    assert "py-rattler" in done.stderr and "--backend assemble" in done.stderr and "Traceback" not in done.stderr
    assert not (road.folder / "ctx").exists()


def test_the_lock_is_one_of_conda_locks_with_the_wheels_in_it(road: Road, channel: Path) -> None:
    pytest.importorskip("conda_lock", reason="needs the extra `conda`")
    from envbuild.resolver.conda.lockfile import read_conda_lock

    base = ["--base", f"oci:{road.base}", "--server", "envbuild"]
    done = road.run("lock", str(road.model), "-o", str(road.folder / "out"), *base)
    assert done.returncode == 0, done.stderr
    path = road.folder / "out" / "conda-lock.yml"
    assert done.stdout.startswith(f"{path} sha256:")
    found = read_conda_lock(path, "linux-64")
    assert [p.name for p in found.conda] == ["pip", "python", "tiny-native", "tiny-numbers"]
    assert "tiny-loader" in [p.name for p in found.pip]
    assert "tiny-numbers" not in [p.name for p in found.pip]


@pytest.mark.slow
def test_the_lock_is_named_as_it_is_asked_for_or_the_name_is_refused(road: Road, channel: Path) -> None:
    base = ["--base", f"oci:{road.base}", "--server", "envbuild"]
    out = road.folder / "out"
    named = out / "prod.conda-lock.yml"
    done = road.run("lock", str(road.model), "-o", str(named), *base)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in out.iterdir()] == [named.name]
    done = road.run("lock", str(road.model), "-o", str(out / "pylock.toml"), *base)
    assert done.returncode == 2 and "a pylock.toml cannot hold them" in done.stderr
    done = road.run("lock", str(road.model), "-o", str(out / "conda-lock.yml"), "--conda", "never", *base)
    assert done.returncode in (1, 4)
    (road.folder / "file").touch()
    done = road.run("lock", str(road.model), "-o", str(road.folder / "file" / "below"), *base)
    assert done.returncode == 8 and "Traceback" not in done.stderr, done.stderr
    assert [path.name for path in out.iterdir()] == [named.name]


def test_an_image_is_built_from_a_conda_lock_without_a_solver_and_is_the_same(road: Road, channel: Path) -> None:
    pytest.importorskip("conda_lock", reason="needs the extra `conda`")
    base = ["--base", f"oci:{road.base}", "--server", "envbuild"]
    path = road.folder / "prod.conda-lock.yml"
    done = road.run("lock", str(road.model), "-o", str(path), *base)
    assert done.returncode == 0, done.stderr
    digest = road.config_digest()
    shutil.rmtree(road.cache)
    output = road.folder / "other.tar"
    arguments = road.image_arguments(output, "--lock", str(path), "--locked", "--json")
    made = json.loads(road.run_in_python(WITHOUT_SOLVERS, *arguments).stdout)
    assert set(files_of(output)) == set(files_of(road.folder / "tiny.tar"))
    assert made["config_digest"] == digest
    listed = road.model / "conda.yaml"
    listed.write_text(listed.read_text().replace("tiny-loader==1.0", "tiny-loader>=7"))
    done = road.image("--lock", str(path), "--locked")
    assert done.returncode == 12, done.stderr
    assert "tiny-loader>=7 (conda.yaml:10) was tiny-loader==1.0" in done.stderr
    listed.write_text(listed.read_text().replace("tiny-numbers>=1", "tiny-numbers>=7").replace("loader>=7", "loader"))
    done = road.image("--lock", str(path))
    assert done.returncode == 12, done.stderr
    assert "asks for tiny-numbers>=7, and the lock has 2.0" in done.stderr


def test_a_damaged_file_of_a_package_is_fetched_anew_and_the_image_is_the_same(road: Road, channel: Path) -> None:
    first = road.config_digest()
    store = road.cache / "store"
    damaged = [path for path in (store / "blobs" / "sha256").iterdir() if path.read_bytes()[:3] in (b"BZh", b"PK\3")]
    assert damaged
    for path in damaged:
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:-9] + b"\0" * 9)
    shutil.rmtree(store / "keys")
    assert road.config_digest() == first


def test_the_bill_of_materials_names_conda_packages_and_what_is_in_them(road: Road, channel: Path) -> None:
    done = road.image("--sbom", "--provenance", "--json")
    assert done.returncode == 0, done.stderr
    with tarfile.open(road.folder / "tiny.tar") as tar:
        files = [tar.extractfile(member) for member in tar if member.isfile()]
        texts = [file.read() for file in files if file is not None]
    assert any(b"pkg:conda/tiny-native@1.0?build=0&subdir=linux-64&type=conda" in text for text in texts)
    assert any(b"pkg:pypi/tiny-numbers@2.0" in text for text in texts)
    # The model's own conda.yaml names the channel, and is in the image as it is.
    told = [text for text in texts if str(road.folder).encode() in text]
    assert all(b"channels:\n" in text for text in told)


@pytest.mark.slow
def test_a_python_that_runs_imports_what_conda_and_pip_brought(road: Road, tmp_path: Path) -> None:
    """The files of the image are unpacked, and its Python is run among them: each finds its own by its place."""
    folder = road.folder / "real"
    tinyconda.make_real_python(folder)
    tinyconda.make_module(folder, "tiny-numbers", "2.0")
    tinyconda.make_package(
        folder, "tiny-native", files={"share/tiny": f"{tinyconda.PLACEHOLDER}/share\n"}, form="conda"
    )
    version = ".".join(map(str, sys.version_info[:3]))
    (road.model / "conda.yaml").write_text(
        f"channels:\n- {tinyconda.index(folder)}\ndependencies:\n- python={version}\n- tiny-native\n- tiny-numbers\n"
        "- pip\n- pip:\n  - mlflow==3.17.2\n  - tiny-loader==1.0\n".replace("- pip\n", "", 1)
    )
    done = road.image("--json")
    assert done.returncode == 0, done.stderr
    root = tmp_path / "root"
    unpack(road.folder / "tiny.tar", root)
    python = root / "opt/envbuild/bin/python"
    code = (
        "import json, ssl, sqlite3, sys, tiny_numbers, tiny_loader, envbuild_runtime;"
        "print(json.dumps([sys.prefix, tiny_numbers.__file__, tiny_loader.__file__]))"
    )
    libraries = {"LD_LIBRARY_PATH": str(root / "opt/envbuild/lib"), "PATH": "/usr/bin:/bin"}
    ran = subprocess.run([python, "-c", code], capture_output=True, text=True, env=libraries, check=False)
    assert ran.returncode == 0, ran.stderr
    assert all(path.startswith(str(root / "opt/envbuild")) for path in json.loads(ran.stdout))
    assert (root / "opt/envbuild/share/tiny").read_text() == "/opt/envbuild/share\n"


def unpack(archive: Path, root: Path) -> None:
    """Lay the layers of an image down in the folder `root`."""
    with tarfile.open(archive) as tar:
        index = json.load(tar.extractfile("index.json") or io.BytesIO(b"{}"))

        def read(digest: str) -> bytes:
            file = tar.extractfile("blobs/sha256/" + digest.removeprefix("sha256:"))
            assert file is not None
            return file.read()

        for layer in json.loads(read(index["manifests"][0]["digest"]))["layers"]:
            with tarfile.open(fileobj=io.BytesIO(read(layer["digest"]))) as inner:
                inner.extractall(root, filter="fully_trusted")


@pytest.fixture
def layout(road: Road, channel: Path) -> Path:
    """An image with conda packages, as a layout."""
    folder = road.folder / "layout"
    done = road.image("--output", f"oci-dir={folder}")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_the_image_is_made_anew_from_its_record_and_the_channels(road: Road, layout: Path, channel: Path) -> None:
    base = ["--base", f"oci:{road.base}"]
    done = road.run("verify", str(layout), *base, ENVBUILD_CACHE_DIR=str(road.folder / "another"))
    assert done.returncode == 0, done.stderr
    assert "differs" not in done.stdout and "conda" in done.stdout
    shutil.rmtree(channel)  # the machine that built it had the packages from their channels
    assert road.run("verify", str(layout), *base).returncode == 0
    done = road.run("verify", str(layout), *base, ENVBUILD_CACHE_DIR=str(road.folder / "third"))
    assert done.returncode == 6, done.stderr
    assert "channel" in done.stderr and "Traceback" not in done.stderr


def test_a_package_that_no_channel_has_is_not_believed_because_it_is_cached(
    road: Road, layout: Path, channel: Path
) -> None:
    (channel / "linux-64" / "tiny-native-1.0-0.conda").unlink()
    tinyconda.index(channel)
    tinyconda.make_package(channel, "tiny-native", files={"lib/libtiny.so.1": b"\1"}, form="conda")
    tinyconda.index(channel)
    shutil.rmtree(road.cache / "vouched")
    done = road.run("verify", str(layout), "--base", f"oci:{road.base}")
    assert done.returncode == 4, done.stderr
    assert "none of the model's channels has tiny-native-1.0-0.conda" in done.stderr


def test_a_changed_file_of_a_conda_package_is_a_difference(road: Road, layout: Path) -> None:
    changed = Layout(layout)
    changed.flip("opt/envbuild/lib/libtiny.so.1")
    changed.save()
    done = road.run("verify", str(layout), "--base", f"oci:{road.base}")
    assert done.returncode == 1, done.stderr
    assert "opt/envbuild/lib/libtiny.so.1" in done.stdout
    assert re.search(r"conda +differs", done.stdout), done.stdout


@pytest.mark.slow
def test_another_platform_gets_its_own_packages_without_running_any(road: Road, channel: Path, tmp_path: Path) -> None:
    tinyconda.make_python(channel, "3.11.9", subdir="linux-aarch64")
    tinyconda.make_package(channel, "tiny-native", files={"lib/libtiny.so.1": b"arm"}, subdir="linux-aarch64")
    tinyconda.make_package(channel, "pip", "23.1", depends=("python",), subdir="linux-aarch64")
    tinyconda.index(channel)
    add_base(road.base, tmp_path / "arm", architecture="arm64")
    found = {}
    for platform in ("linux/amd64", "linux/arm64"):
        done = road.image("--platform", platform, "--json")
        assert done.returncode == 0, done.stderr
        unpack(road.folder / "tiny.tar", root := tmp_path / platform.replace("/", "-"))
        meta = json.loads((root / "opt/envbuild/conda-meta/tiny-native-1.0-0.json").read_text())
        library = (root / "opt/envbuild/lib/libtiny.so.1").read_bytes()
        found[platform] = [meta["subdir"], library, (root / f"{SITE}/tiny_numbers/__init__.py").is_file()]
    assert found == {"linux/amd64": ["linux-64", b"\0", True], "linux/arm64": ["linux-aarch64", b"arm", True]}
    base = ["--base", f"oci:{road.base}", "--server", "envbuild"]
    done = road.run("lock", str(road.model), "-o", str(road.folder / "out"), "--platform", "linux/arm64", *base)
    assert done.returncode == 0, done.stderr
    assert "platform: linux-aarch64" in (road.folder / "out" / "conda-lock.yml").read_text()
