"""Where packages come from: by options, from the first index that has one, and with a password that nothing keeps."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tinyroad import Road
from tinywheels import make_wheel, serve, write_index

USER, PASSWORD = "builder-of-images", "pa55-that-nobody-may-keep"
NOWHERE = "http://127.0.0.1:1/simple"
QUIET = {"DOCKER_HOST": "tcp://127.0.0.1:1"}
# uv takes a keyring for what it finds of that name on PATH.
_KEYRING = f"""#!/bin/sh
[ "$1" = get ] && [ "$3" = {USER} ] && echo {PASSWORD}
"""


@pytest.fixture
def guarded(road: Road) -> Iterator[str]:
    """The address of an index that wants a password."""
    with serve(road.index, f"{USER}:{PASSWORD}") as url:
        yield f"{url}/simple"


def _address(url: str) -> str:
    return url.replace("://", f"://{USER}:{PASSWORD}@")


def _in_address(road: Road, url: str) -> tuple[list[str], dict[str, str]]:
    return ["--index-url", _address(url)], {}


def _in_extra(road: Road, url: str) -> tuple[list[str], dict[str, str]]:
    return ["--index-url", NOWHERE, "--extra-index-url", _address(url)], {}


def _in_variables(road: Road, url: str) -> tuple[list[str], dict[str, str]]:
    login = {"UV_INDEX_CORP_USERNAME": USER, "UV_INDEX_CORP_PASSWORD": PASSWORD}
    return ["--extra-index-url", f"corp={url}"], {**login, "UV_DEFAULT_INDEX": NOWHERE}


def _in_netrc(road: Road, url: str) -> tuple[list[str], dict[str, str]]:
    netrc = road.folder / "home" / ".netrc"
    netrc.parent.mkdir()
    netrc.write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    netrc.chmod(0o600)
    return ["--index-url", url], {"HOME": str(netrc.parent)}


def _in_keyring(road: Road, url: str) -> tuple[list[str], dict[str, str]]:
    keyring = road.folder / "bin" / "keyring"
    keyring.parent.mkdir()
    keyring.write_text(_KEYRING)
    keyring.chmod(0o755)
    path = f"{keyring.parent}{os.pathsep}{os.environ['PATH']}"
    return ["--index-url", url.replace("://", f"://{USER}@")], {"UV_KEYRING_PROVIDER": "subprocess", "PATH": path}


def _in_configuration(road: Road, url: str) -> tuple[list[str], dict[str, str]]:
    config = road.folder / "home" / "envbuild.toml"
    config.parent.mkdir()
    config.write_text(f'index-url = "{_address(url)}"\n')
    return ["--config", str(config)], {"UV_DEFAULT_INDEX": NOWHERE}


def _kept(folder: Path, but: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file below `folder` and what it holds, unpacked where it is packed."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and not path.is_relative_to(but):
            data = path.read_bytes()
            yield path, data
            if data.startswith(b"\x1f\x8b"):
                yield path, gzip.decompress(data)


@pytest.mark.parametrize(
    "given",
    [
        _in_address,
        _in_extra,
        _in_variables,
        _in_netrc,
        _in_keyring,
        pytest.param(_in_configuration, marks=pytest.mark.slow),
    ],
)
def test_a_password_opens_the_index_and_is_found_nowhere_afterwards(
    road: Road, guarded: str, given: Callable[[Road, str], tuple[list[str], dict[str, str]]]
) -> None:
    arguments, variables = given(road, guarded)
    done = road.image(
        *arguments, "--metadata-file", "metadata.json", "--output", f"oci-dir={road.folder / 'image'}",
        "--sbom", "--provenance", **QUIET, **variables,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    base = ("--base", f"oci:{road.base}", "--server", "envbuild")
    plan = road.run("plan", str(road.model), "--json", *base, *arguments, **QUIET, **variables)
    lock = road.run("lock", str(road.model), "-o", str(road.folder / "lock"), *base, *arguments, **QUIET, **variables)
    assert (plan.returncode, lock.returncode) == (0, 0), plan.stderr + lock.stderr
    assert guarded.partition("/simple")[0] in (road.folder / "lock" / "pylock.toml").read_text()
    said = [done.stdout, done.stderr, plan.stdout, plan.stderr, lock.stdout, lock.stderr]
    assert not [text for text in said if PASSWORD in text]
    kept = list(_kept(road.folder, road.folder / "home"))
    assert {"image", "cache", "lock"} <= {path.relative_to(road.folder).parts[0] for path, _ in kept}
    where = [path.relative_to(road.folder) for path, data in kept if PASSWORD.encode() in data]
    assert [path for path in where if path.parts[0] != "bin"] == []


def test_a_wrong_password_is_told_without_it(road: Road, guarded: str) -> None:
    done = road.image("--index-url", _address(guarded).replace(PASSWORD, "an0ther-secret"), **QUIET)
    assert done.returncode == 6, done.stderr
    assert "wants credentials" in done.stderr
    assert "an0ther-secret" not in done.stdout + done.stderr
    assert not (road.folder / "tiny.tar").exists()


@pytest.mark.parametrize(
    ("lines", "files"),
    [
        (["--index-url {}/simple", "tiny-loader==1.0"], {}),
        (["tiny-loader @ {}/tiny_loader-1.0-py3-none-any.whl"], {}),
        (["tiny-loader @ git+{}/tiny-loader.git@main"], {}),
        (["-r more.txt"], {"more.txt": "--extra-index-url {}/simple\ntiny-loader==1.0\n"}),
        (["tiny-loader==1.0", "-c bounds.txt"], {"bounds.txt": "tiny-loader @ git+{}/tiny-loader.git\n"}),
    ],
    ids=["index", "wheel", "git", "r", "c"],
)
@pytest.mark.parametrize("password", [PASSWORD, pytest.param(f"un/escaped?{PASSWORD}", marks=pytest.mark.slow)])
def test_a_password_in_a_file_of_the_model_is_a_finding_that_does_not_show_it(
    road: Road, lines: list[str], files: dict[str, str], password: str
) -> None:
    """It is the author's, and it is in the model: what is not is a second copy, or one where others see it."""
    address = _address(NOWHERE).removesuffix("/simple").replace(PASSWORD, password)
    pip = "".join(f"  - {line.format(address)}\n" for line in ["mlflow==3.17.2", *lines])
    (road.model / "conda.yaml").write_text(f"channels: [conda-forge]\ndependencies:\n- python=3.11.9\n- pip:\n{pip}")
    for name, text in files.items():
        (road.model / name).write_text(text.format(address))
    done = road.image("--json", ENVBUILD_DEBUG="1", **QUIET)
    assert done.returncode == 1, done.stderr
    assert "EB602" in done.stderr + done.stdout
    assert PASSWORD not in done.stdout + done.stderr
    assert not [path for path, data in _kept(road.folder, road.model) if PASSWORD.encode() in data]


@pytest.mark.slow
@pytest.mark.parametrize("line", ["--index-url {}", "tiny-loader @ git+{}/tiny-loader.git@main"])
def test_a_password_in_a_file_of_the_model_is_in_no_other_where_the_finding_is_passed_by(road: Road, line: str) -> None:
    text = line.format(_address(NOWHERE))
    (road.model / "conda.yaml").write_text(
        f"dependencies:\n- python=3.11.9\n- pip:\n  - mlflow==3.17.2\n  - tiny-loader==1.0\n  - {text}\n"
    )
    more = ("--ignore", "EB602", "--allow-build", "all")
    base = ("--base", f"oci:{road.base}", "--server", "envbuild")
    ran = [
        road.run("plan", str(road.model), "--json", *base, *more, ENVBUILD_DEBUG="1", **QUIET),
        road.run("lock", str(road.model), "-o", "lock", *base, *more, ENVBUILD_DEBUG="1", **QUIET),
        road.image(*more, "--sbom", "--provenance", ENVBUILD_DEBUG="1", **QUIET),
    ]
    assert len({done.returncode == 0 for done in ran}) == 1, [done.stderr for done in ran]
    assert not [done for done in ran if PASSWORD in done.stdout + done.stderr]
    blobs = [data for _, data in _kept(road.folder, road.model) if PASSWORD.encode() in data]
    for data in blobs:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            layers = [member for member in tar if member.name.startswith("blobs/")]
            files = [
                member.name for member in tar if PASSWORD.encode() in (tar.extractfile(member) or io.BytesIO()).read()
            ]
        assert layers or [Path(name).name for name in files] == ["conda.yaml"], files


def test_the_first_index_that_has_a_package_gives_it(road: Road, tmp_path: Path) -> None:
    """A newer version elsewhere changes nothing: else whoever may publish there could replace what is one's own."""
    own, other = tmp_path / "own", tmp_path / "other"
    for folder in (own, other):
        folder.mkdir()
    make_wheel(own, "of-our-own", "1.0")
    make_wheel(other, "of-our-own", "9.0")
    write_index(own)
    write_index(other)
    with serve(own) as first, serve(other) as second:
        done = road.run(
            "lock", str(road.model), "-o", "lock", "--base", f"oci:{road.base}", "--server", "envbuild", "--json",
            "--requirement", "of-our-own", "--extra-index-url", f"{first}/simple", "--extra-index-url",
            f"{second}/simple", **QUIET,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    packages = {package["name"]: package["version"] for package in json.loads(done.stdout)["packages"]}
    assert packages["of-our-own"] == "1.0"
    assert packages["mlflow-skinny"] == "3.17.2"


@pytest.mark.parametrize("name", ["wheels", "own, wheels", "w%20heels"])
def test_wheels_in_a_folder_are_taken_whatever_it_is_called(road: Road, tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    make_wheel(folder, "of-our-own", "1.0")
    done = road.image("--requirement", "of-our-own", "--find-links", str(folder), "--json", **QUIET)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(folder)
    assert road.image("--requirement", "of-our-own", "--find-links", str(tmp_path), "--json", **QUIET).returncode != 0


def test_a_configuration_file_names_places_from_where_it_lies(road: Road) -> None:
    folder = road.folder / "team" / "wheels"
    folder.mkdir(parents=True)
    make_wheel(folder, "of-our-own", "1.0")
    config = folder.parent / "envbuild.toml"
    config.write_text(f'find-links = ["wheels"]\nindex-url = "{road.index_url}/simple"\nrequirement = ["of-our-own"]\n')
    done = road.image("--config", str(config), UV_DEFAULT_INDEX=NOWHERE, **QUIET)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--index-url", "pypi.example/simple"), "this is no address of an index"),
        (("--index-url", "corp=https://pypi.example/simple"), "takes no name"),
        (("--extra-index-url", "https://a.example https://b.example"), "this is no address of an index"),
        (("--extra-index-url", "ssh://user:hidden@a.example/"), "this is no address of an index"),
        (("--index-url", "https://user:hid/hidden@a.example/simple"), "this is no address of an index"),
        (("--find-links", "https://user:hid/hidden@a.example/simple"), "this is no address"),
        (("--find-links", "no-such-folder"), "there is no such folder"),
        (("--find-links", ""), "there is no such folder"),
        (("--find-links", "~nobody-of-that-name/wheels"), "there is no such folder"),
        (("--find-links", "ftp://a.example/x"), "this is no address"),
        (("--as-of", "yesterday"), "this is no time"),
    ],
)
def test_what_is_no_place_or_time_is_refused_before_any_work(
    road: Road, arguments: tuple[str, ...], words: str
) -> None:
    done = road.image(*arguments, **QUIET)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert "hidden" not in done.stderr
    assert "Traceback" not in done.stderr
    assert not (road.folder / "tiny.tar").exists()


def test_the_engine_is_told_of_the_same_indexes() -> None:
    from envbuild.backends.dockerfile.fetching import settings_for
    from envbuild.options import Options

    options = Options(index_url="https://one.example/simple", extra_index_urls=("https://two.example/simple",))
    found = settings_for(buildkit=True, wheels="index", network="", local=True, environ=options.environ)
    assert "one.example" in found.pip_conf
    assert "two.example" in found.pip_conf


def test_a_clean_shell_is_enough(road: Road) -> None:
    """No variable of uv is needed where the options say it all."""
    variables = {name: value for name, value in road.variables().items() if not name.startswith("UV_")}
    arguments = road.image_arguments(road.folder / "tiny.tar", "--index-url", f"{road.index_url}/simple")
    done = subprocess.run(
        road.command(*arguments),
        capture_output=True,
        text=True,
        env={**variables, **QUIET},
        cwd=road.folder,
        check=False,
    )
    assert done.returncode == 0, done.stderr
