"""A channel's login or token, given in any way that there is, opens the channel and is found nowhere afterwards."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import tinyconda
from doors import Asked, Door, basic, door
from secrecy import PASSWORD, TOKEN, USER, kept, told
from tinyroad import Road
from tinywheels import make_wheel, write_index

pytest.importorskip("rattler", reason="needs the extra `conda`")
pytest.importorskip("conda_lock", reason="needs the extra `conda`")

QUIET = {"DOCKER_HOST": "tcp://127.0.0.1:1", "ENVBUILD_DEBUG": "1"}
LOGIN = basic(f"{USER}:{PASSWORD}")
PLACE = "private"
Given = dict[str, str]
# The command, with tools for a build context that are wheels of a few bytes.
WITH_TINY_TOOLS = """
import sys
from hashlib import sha256
from pathlib import Path
from envbuild.backends.dockerfile import tools
from envbuild.cli.main import run

def tiny(name):
    files = {path.name.partition("-")[0]: path for path in Path(sys.argv[1]).glob("*-77-py3-none-any.whl")}
    row = {"python": 8, "version": "77", "architecture": "amd64"}
    return {
        name.replace("_", "-"): [{**row, "file": path.name, "sha256": sha256(path.read_bytes()).hexdigest()}]
        for name, path in files.items()
    }

tools.load_json = tiny
sys.exit(run(sys.argv[2:]))
"""


def _file(road: Road, name: str, text: str) -> Path:
    """A file of the person's, who may have secrets in it."""
    path = road.folder / "home" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o700)
    return path


def login_in_a_variable(_: Road, url: str) -> Given:
    login = f"{USER}:{quote(PASSWORD, safe='')}"
    return {"ENVBUILD_CONDA_CREDENTIALS": f"{url.replace('://', f'://{login}@')}/{PLACE}"}


def login_in_the_netrc(road: Road, _: str) -> Given:
    _file(road, ".netrc", f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    return {}


def login_in_a_netrc(road: Road, _: str) -> Given:
    return {"NETRC": str(_file(road, "named", f"machine 127.0.0.1 login {USER} password {PASSWORD}\n"))}


def login_in_rattlers_file(road: Road, _: str) -> Given:
    entry = {"127.0.0.1": {"BasicHTTP": {"username": USER, "password": PASSWORD}}}
    return {"RATTLER_AUTH_FILE": str(_file(road, "auth.json", json.dumps(entry)))}


def login_in_the_keyring(road: Road, url: str) -> Given:
    program = _file(road, "keyring", f"#!/bin/sh\n[ \"$1$3\" = get{USER} ] && echo '{PASSWORD}'\n")
    return {
        "ENVBUILD_CONDA_CREDENTIALS": url.replace("://", f"://{USER}@"),
        "UV_KEYRING_PROVIDER": "subprocess",
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
    }


def token_in_a_variable(_: Road, url: str) -> Given:
    return {"ENVBUILD_CONDA_CREDENTIALS": f"{url}/t/{TOKEN}/{PLACE}"}


def token_in_rattlers_own_file(road: Road, _: str) -> Given:
    _file(road, ".rattler/credentials.json", json.dumps({"127.0.0.1": {"CondaToken": TOKEN}}))
    return {}


def bearer_in_rattlers_file(road: Road, _: str) -> Given:
    entry = {"*.0.0.1": {"BearerToken": TOKEN}}
    return {"RATTLER_AUTH_FILE": str(_file(road, "auth.json", json.dumps(entry)))}


WAYS = [
    login_in_a_variable, login_in_the_netrc, login_in_a_netrc, login_in_rattlers_file, login_in_the_keyring,
    token_in_a_variable, token_in_rattlers_own_file, bearer_in_rattlers_file,
]  # fmt: skip


def seldom(ways: list[Callable[[Road, str], Given]], *but: Callable[[Road, str], Given]) -> list[Any]:
    """`ways`, all but those in `but` for the longer proofs alone."""
    return [way if way in but else pytest.param(way, marks=pytest.mark.proof) for way in ways]


@contextmanager
def private(
    road: Road, given: Callable[[Road, str], Given], first: Callable[[Door], bool] = lambda _: False
) -> Iterator[tuple[str, Asked]]:
    """A channel that wants what `given` gives, which the model names and the road knows."""
    token = given.__name__.startswith("token")
    web = road.folder / "web"
    folder = web / "t" / TOKEN / PLACE if token else web / PLACE
    tinyconda.make_python(folder, "3.11.9")
    tinyconda.make_module(folder, "tiny-numbers", "2.0", depends=("python", "tiny-native"))
    tinyconda.make_package(folder, "tiny-native", files={"lib/libtiny.so.1": b"\0"}, form="conda")
    tinyconda.make_package(folder, "pip", "23.1", depends=("python",))
    tinyconda.index(folder)
    wants = {"login": LOGIN, "token": "", "bearer": f"Bearer {TOKEN}"}[given.__name__.partition("_")[0]]
    with door(web, wants, first=first) as (url, asked):
        (road.model / "conda.yaml").write_text(
            f"channels:\n- {url}/{PLACE}\ndependencies:\n- python=3.11.9\n- pip<=24\n- tiny-native\n"
            "- tiny-numbers>=1\n- pip:\n  - mlflow==3.17.2\n  - tiny-loader==1.0\n"
        )
        kept_from = dict.fromkeys(("NETRC", "RATTLER_AUTH_FILE", "ENVBUILD_CONDA_CREDENTIALS"), "")
        road.environment |= {**kept_from, "HOME": str(road.folder / "home"), **QUIET, **given(road, url)}
        yield url, asked


def remains(road: Road) -> list[Path]:
    """What holds a secret, of all that the commands had to do with."""
    return kept(road.folder, road.folder / "home", road.folder / "web")


def made_with(road: Road) -> tuple[str, ...]:
    return "--base", f"oci:{road.base}", "--server", "envbuild"


def made(road: Road) -> list[str]:
    """Make an image, a plan and a lock; what was said."""
    base = made_with(road)
    lock = str(road.folder / "x.conda-lock.yml")
    image = ("--metadata-file", "metadata.json", "--output", f"oci-dir={road.folder / 'image'}", "--sbom")
    ran = [
        road.image(*image, "--provenance", "--json"),
        road.run("plan", str(road.model), "--json", *base),
        road.run("lock", str(road.model), "-o", lock, *base, "--upgrade"),
    ]
    assert [done.returncode for done in ran] == [0] * len(ran), [done.stderr for done in ran]
    return [text for done in ran for text in (done.stdout, done.stderr)]


def test_what_opens_a_channel_is_found_nowhere_afterwards(road: Road) -> None:
    with private(road, token_in_a_variable) as (url, asked):
        said = made(road)
    assert told(*said) == []
    assert remains(road) == []
    assert f"{url}/{PLACE}/linux-64/" in (road.folder / "x.conda-lock.yml").read_text()
    assert {path for path, _ in asked if path.endswith("tiny-native-1.0-0.conda")}


@pytest.mark.slow
@pytest.mark.parametrize("given", seldom(WAYS, login_in_the_keyring))
def test_every_command_and_every_way_to_give_it(
    road: Road, given: Callable[[Road, str], Given], private_index: Callable[[], Path]
) -> None:
    index = private_index()
    for name in ("pip", "installer", "py-rattler"):
        make_wheel(index, name, "77")
    write_index(index)
    with private(road, given):
        said = made(road)
        context = [str(index), "dockerfile", str(road.model), "-o", "context", "--base", f"oci:{road.base}"]
        try:
            done = road.run_in_python(WITH_TINY_TOOLS, *context, "--server", "envbuild", "--wheels", "context")
        except subprocess.CalledProcessError as error:
            pytest.fail(error.stderr)
        said += [done.stdout, done.stderr]
        another = str(road.folder / "another cache")
        done = road.image("--lock", "x.conda-lock.yml", name="locked.tar", ENVBUILD_CACHE_DIR=another)
        assert done.returncode == 0, done.stderr
        said += [done.stdout, done.stderr]
        layout, other = str(road.folder / "image"), {"ENVBUILD_CACHE_DIR": str(road.folder / "third cache")}
        for arguments, changes in (
            (("verify", layout, "--base", f"oci:{road.base}"), other),
            (("sbom", layout), {}),
            (("inspect", layout, "--json"), {}),
            (("diff", layout, "oci-archive:locked.tar"), {}),
            (("lint", str(road.model)), {}),
        ):
            done = road.run(*arguments, **changes)
            said += [done.stdout, done.stderr]
            assert done.returncode in (0, 1), (arguments, done.stderr)
            assert "Traceback" not in done.stderr, done.stderr
    assert told(*said) == []
    assert remains(road) == []


# What a question is answered with, instead of with the file.
def refused(question: Door) -> bool:
    question.send_error(403)
    return True


def broken(question: Door) -> bool:
    question.send_response(200)
    question.send_header("Content-Length", "9")
    question.end_headers()
    question.wfile.write(b'{"info": ')
    return True


def half(question: Door) -> bool:
    question.send_response(200)
    question.send_header("Content-Length", "99999")
    question.end_headers()
    question.wfile.write(b'{"info": ')
    return True


def hung_up(question: Door) -> bool:
    question.close_connection = True
    question.connection.close()
    return True


def elsewhere(question: Door) -> bool:
    question.send_response(302)
    question.send_header("Location", f"http://127.0.0.1:1{question.path}")
    question.end_headers()
    return True


def nowhere(question: Door) -> bool:
    question.send_response(302)
    question.send_header("Location", f"ftp://127.0.0.1:1{question.path}")
    question.end_headers()
    return True


@pytest.mark.slow
@pytest.mark.parametrize("given", seldom([login_in_a_variable, token_in_a_variable], token_in_a_variable))
@pytest.mark.parametrize(
    "which",
    [
        pytest.param("", id="lists"),
        pytest.param("tiny-native-1.0-0.conda", id="a file", marks=pytest.mark.proof),
    ],
)
@pytest.mark.parametrize("answer", [refused, broken, half, hung_up, elsewhere, nowhere])
def test_a_channel_that_fails_is_told_without_it(
    road: Road, given: Callable[[Road, str], Given], which: str, answer: Callable[[Door], bool]
) -> None:
    with private(road, given, lambda question: which in question.path and answer(question)):
        done = road.image()
    assert done.returncode not in (0, 70), done.stderr
    assert told(done.stdout, done.stderr) == []
    assert remains(road) == []


@pytest.mark.slow
@pytest.mark.parametrize("which", ["lists", "a file"])
def test_a_channel_whose_certificate_nobody_vouches_for_is_told_without_it(
    road: Road, certificate: Path, which: str
) -> None:
    """The library's own words have the address that was asked for."""
    with (
        private(road, token_in_a_variable) as (url, _),
        door(road.folder / "web", certificate=certificate) as (safe, _),
    ):
        lock, known = road.folder / "x.conda-lock.yml", road.environment["ENVBUILD_CONDA_CREDENTIALS"]
        if which == "a file":
            done = road.run("lock", str(road.model), "-o", str(lock), *made_with(road))
            assert done.returncode == 0, done.stderr
            lock.write_text(lock.read_text().replace(f"{url}/", f"{safe}/"))
        conda = road.model / "conda.yaml"
        conda.write_text(conda.read_text().replace(url, safe))
        road.environment["ENVBUILD_CONDA_CREDENTIALS"] = known.replace(url, safe)
        more = ("--lock", str(lock)) if which == "a file" else ()
        done = road.image(*more, ENVBUILD_CACHE_DIR=str(road.folder / "another cache"))
    assert done.returncode == 6, done.stderr
    assert told(done.stdout, done.stderr) == []
    assert remains(road) == []


@pytest.mark.slow
@pytest.mark.parametrize("given", WAYS)
def test_the_wrong_one_is_told_without_it(road: Road, given: Callable[[Road, str], Given]) -> None:
    with private(road, given, refused if given.__name__.startswith("token") else lambda _: False):
        for path in (road.folder / "home").rglob("*"):
            if path.is_file():
                path.write_text(path.read_text().replace(PASSWORD, f"{PASSWORD}!").replace(TOKEN, f"{TOKEN}!"))
        if "ENVBUILD_CONDA_CREDENTIALS" in road.environment and "keyring" not in given.__name__:
            entry = road.environment["ENVBUILD_CONDA_CREDENTIALS"]
            road.environment["ENVBUILD_CONDA_CREDENTIALS"] = entry.replace("keep", "keep!")
        done = road.image()
    assert done.returncode == 6, done.stderr
    assert "wants credentials" in done.stderr
    assert told(done.stdout, done.stderr) == []
    assert remains(road) == []
    assert not (road.folder / "tiny.tar").exists()


@pytest.mark.slow
@pytest.mark.parametrize("which", ["/shards/", "tiny-native-1.0-0.conda"])
def test_a_killed_run_leaves_nothing_of_it_nor_does_the_next(road: Road, which: str) -> None:
    """The channel kills whoever asks, in the midst of its answer."""
    killed: list[subprocess.Popen[str]] = []

    def kill(question: Door) -> bool:
        if which not in question.path or not killed or killed[0].poll() is not None:
            return False
        question.send_response(200)
        question.send_header("Content-Length", "99999")
        question.end_headers()
        question.wfile.write(b"PK\3\4" + b"\0" * 999)
        question.wfile.flush()
        killed[0].kill()
        killed[0].wait(30)
        return True

    with private(road, token_in_a_variable, kill) as (_, asked):
        command = road.command(*road.image_arguments(road.folder / "tiny.tar"))
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=road.variables(), cwd=road.folder
        )
        killed.append(process)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == -9, said
        assert [path for path, _ in asked if which in path]
        assert remains(road) == []
        done = road.image()
        assert done.returncode == 0, done.stderr
    assert told(said, done.stdout, done.stderr) == []
    assert remains(road) == []


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("http://{}:{}@127.0.0.1:1/c", marks=pytest.mark.slow),
        pytest.param("http://{}:un/escaped{}@127.0.0.1:1/c", marks=pytest.mark.slow),
        "http://127.0.0.1:1/t/{1}/c",
    ],
)
def test_in_the_models_own_file_it_is_refused_with_its_line_and_without_it(road: Road, address: str) -> None:
    address = address.format(USER, TOKEN)
    for text in (f"channels:\n- {address}\ndependencies:\n- python=3.11.9\n- tiny-native\n",
                 f"channels:\n- conda-forge\ndependencies:\n- python=3.11.9\n- {address}::tiny-native\n"):  # fmt: skip
        (road.model / "conda.yaml").write_text(text)
        done = road.image(**QUIET)
        assert done.returncode in (1, 4), done.stderr
        assert "conda.yaml:" in done.stderr
        assert told(done.stdout, done.stderr) == []
        assert not (road.folder / "tiny.tar").exists()
    shutil.rmtree(road.model)
    assert not road.cache.exists() or kept(road.folder) == []
