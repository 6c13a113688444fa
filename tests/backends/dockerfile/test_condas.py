"""Conda packages in a build context: an explicit list that rattler reads, hashes, and credentials that stay outside."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tinywheels import serve

from envbuild.backends.dockerfile import tools
from envbuild.backends.dockerfile.channels import for_channels
from envbuild.backends.dockerfile.fetching import Fetching
from envbuild.backends.dockerfile.secrets import all_secrets
from envbuild.backends.dockerfile.types import Context
from envbuild.bases.types import Interpreter
from envbuild.errors import UsageError
from envbuild.resolver.conda.types import CondaPackage

SCRIPTS = Path(tools.__file__).parent / "scripts"
TOOL = b"a wheel that no test runs"


def package(name: str, url: str, data: bytes = b"x", subdir: str = "linux-64") -> CondaPackage:
    filename = f"{name}-1.0-0.conda"
    return CondaPackage(
        name=name,
        version="3.11.7" if name == "python" else "1.0",
        build="0",
        subdir=subdir,
        filename=filename,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        url=f"{url}/{subdir}/{filename}",
    )


FAR = package("python", "https://reader:secret@channel.example/forge")
NEAR = package("gdal", "file:///srv/channel", b"gdal")


@pytest.fixture
def context(bench: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Context]:
    """The context of a plan with conda packages, on a base whose own Python is 3.11."""
    tool = {"python": 8, "version": "1.0", "sha256": hashlib.sha256(TOOL).hexdigest()}
    rattler = [{**tool, "python": 10, "architecture": "amd64", "file": "py_rattler-1.0.whl"}]
    known = {"pip": [tool], "installer": [tool], "py-rattler": rattler}
    monkeypatch.setattr(tools, "load_json", lambda name: known)
    bench.store.put(b"gdal")
    bench.store.put(b"x")

    def make(*packages: CondaPackage, own: str = "3.11.2", **changes: Any) -> Context:
        conda = Interpreter(version="3.12.1", executable="/opt/envbuild/bin/python3.12", home="/opt/envbuild")
        python = Interpreter(version=own, executable="/usr/bin/python3", home="/usr")
        base = replace(bench.base, interpreter=conda, own=python)
        lock = replace(bench.lock(bench.packages()), conda=packages)
        plan = bench.plan(base=base, lock=lock, bytecode="off", revisions={"wheels": "w", "conda": "c"})
        found: Context = bench.context(plan, base=base, lock=lock, **changes)
        return found

    return make


def texts(context: Context) -> dict[str, str]:
    return {entry.path: entry.text or "" for entry in context.entries}


def test_the_list_has_addresses_without_credentials_and_hashes_that_rattler_reads(context: Callable[..., Context]):
    pytest.importorskip("rattler", reason="needs the extra `conda`")
    from rattler.explicit_environment import ExplicitEnvironmentSpec

    text = texts(context(FAR, NEAR))["conda/conda-linux-64.txt"]
    spec = ExplicitEnvironmentSpec.from_str(text)
    assert [entry.url for entry in spec.packages] == [
        f"file:///conda/packages/linux-64/gdal-1.0-0.conda#sha256:{NEAR.sha256}",
        f"https://channel.example/forge/linux-64/python-1.0-0.conda#sha256:{FAR.sha256}",
    ]
    assert "secret" not in text and "/srv/" not in text


def test_files_of_this_machine_go_along_and_the_others_are_fetched(context: Callable[..., Context]):
    found = context(FAR, NEAR)
    paths = {entry.path for entry in found.entries}
    assert {path for path in paths if path.startswith("conda/")} == {
        "conda/conda-linux-64.txt",
        "conda/conda.json",
        "conda/fetch.py",
        "conda/install.py",
        "conda/laying.py",
        "conda/packages/linux-64/gdal-1.0-0.conda",
        "conda/py_rattler-1.0.whl",
    }
    assert not any(path.startswith("venv/") for path in paths)


def test_with_wheels_in_the_context_nothing_is_fetched(context: Callable[..., Context], bench: Any):
    for wheel in bench.packages():
        bench.store.blob(f"sha256:{wheel.sha256}").write_bytes(b"a wheel")
    found = context(FAR, NEAR, wheels="context")
    assert "conda/packages/linux-64/python-1.0-0.conda" in texts(found)
    assert "conda/fetch.py" not in texts(found) and "fetch.py" not in found.dockerfile
    assert "/conda/install.py" in found.dockerfile and bench.fetched == []


def test_the_bases_own_python_lays_conda_down_and_condas_the_wheels(context: Callable[..., Context]):
    lines = context(FAR).dockerfile.splitlines()
    ran = [line.strip() for line in lines if "/install.py" in line or "/fetch.py" in line]
    assert ran == [
        'RUN ["/usr/bin/python3", "-IB", "/conda/fetch.py"]',
        'RUN ["/usr/bin/python3", "-IB", "/conda/install.py"]',
        'RUN ["/opt/envbuild/bin/python", "-IB", "/build/fetch.py"]',
        'RUN ["/opt/envbuild/bin/python", "-IB", "/build/install.py"]',
    ]
    assert not [line for line in lines if "venv/" in line]


def test_buildkit_gets_secrets_for_one_step_alone(context: Callable[..., Context]):
    text = context(FAR, buildkit=True).dockerfile
    assert "--mount=type=secret,id=conda" in text
    assert "--mount=type=secret,id=conda" not in context(NEAR, buildkit=True).dockerfile


def test_a_base_whose_python_cannot_run_rattler_is_refused_with_a_way_out(context: Callable[..., Context]):
    with pytest.raises(UsageError) as caught:
        context(FAR, own="3.9.2")
    assert "3.9.2" in caught.value.message and "--backend assemble" in str(caught.value.hint)


def settings(*packages: CondaPackage, **changes: Any) -> Fetching:
    given = {"buildkit": True, "wheels": "index", "network": "", "local": True, "environ": {}, **changes}
    return for_channels(Fetching(), packages, **given)


def test_a_login_goes_into_a_secret_and_is_never_shown(tmp_path: Path):
    environ = {"ENVBUILD_CONDA_CREDENTIALS": "https://me:s%40crets@channel.example/forge https://you:x@other.example"}
    found = settings(FAR, NEAR, environ=environ)
    assert found.logins == "https://me:s%40crets@channel.example/forge/\n"
    assert set(found.hidden) == {"s@crets", "s%40crets"}
    with all_secrets([], found) as secrets:
        (secret,) = secrets
        path = Path(secret.removeprefix("id=conda,src="))
        assert path.read_text() == found.logins and path.stat().st_mode & 0o777 == 0o600
    assert not path.exists()


def test_the_classic_builder_gets_no_login():
    environ = {"ENVBUILD_CONDA_CREDENTIALS": "https://me:secret@channel.example/forge"}
    with pytest.raises(UsageError, match=r"channel\.example wants credentials") as caught:
        settings(FAR, buildkit=False, environ=environ)
    assert "--wheels context" in str(caught.value.hint) and "secret@" not in caught.value.message
    assert settings(FAR, buildkit=False, wheels="context", environ=environ).logins == ""


@pytest.mark.parametrize(
    "token", ["https://channel.example/t/s3cr3t/forge", "https://channel.example/forge?token=s3cr3t"]
)
def test_a_token_cannot_go_into_a_build_and_that_is_said(token: str):
    environ = {"ENVBUILD_CONDA_CREDENTIALS": token}
    with pytest.raises(UsageError, match=r"channel\.example wants a token") as caught:
        settings(FAR, environ=environ)
    assert "--wheels context" in str(caught.value.hint) and "s3cr3t" not in caught.value.message
    assert settings(FAR, wheels="context", environ=environ) == Fetching()
    assert settings(NEAR, environ=environ) == Fetching()


def test_a_channel_on_this_machine_is_reached_by_the_hosts_network():
    here = package("gdal", "http://127.0.0.1:8000/forge")
    assert settings(here).network == "host"
    assert settings(FAR).network == ""
    with pytest.raises(UsageError, match="the engine is on another"):
        settings(here, local=False)


@pytest.fixture
def fetching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, as it lies in the folder conda/ of a build, with folders of its own."""
    spec = importlib.util.spec_from_file_location("conda_fetch", SCRIPTS / "conda_fetch.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, folder in (("CONDA", "conda"), ("SECRETS", "secrets"), ("CACHE", "cache"), ("PACKAGES", "packages")):
        (tmp_path / folder).mkdir()
        monkeypatch.setattr(module, name, tmp_path / folder)
    monkeypatch.setattr(module.time, "sleep", lambda seconds: None)
    return module


def write_list(folder: Path, url: str, data: bytes = b"a package") -> str:
    """A channel of one file below `folder`, and the list that names it; the hash."""
    (folder / "channel" / "linux-64").mkdir(parents=True, exist_ok=True)
    (folder / "channel" / "linux-64" / "a-1.0-0.conda").write_bytes(b"a package")
    sha256 = hashlib.sha256(data).hexdigest()
    (folder / "conda" / "conda-linux-64.txt").write_text(
        f"@EXPLICIT\n{url}/linux-64/a-1.0-0.conda#sha256:{sha256}\nfile:///conda/packages/linux-64/b.conda#sha256:0\n"
    )
    return sha256


@pytest.mark.parametrize("secret", ["conda", "netrc"])
def test_what_is_listed_is_fetched_with_the_login_of_its_host(fetching: ModuleType, tmp_path: Path, secret: str):
    (tmp_path / "channel").mkdir()
    with serve(tmp_path / "channel", "me:secret") as url:
        sha256 = write_list(tmp_path, url)
        if secret == "conda":
            (tmp_path / "secrets" / "conda").write_text(url.replace("//", "//me:secret@") + "/\n")
        else:
            (tmp_path / "secrets" / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
        fetching.main()
    assert (tmp_path / "packages" / "a-1.0-0.conda").read_bytes() == b"a package"
    assert (tmp_path / "cache" / sha256).read_bytes() == b"a package"
    fetching.main()  # the channel is gone, and the cache has the file


def test_of_the_addresses_in_the_secret_the_first_with_a_login_counts(fetching: ModuleType, tmp_path: Path):
    """As where it is resolved; and one with a token is no login."""
    (tmp_path / "channel").mkdir()
    with serve(tmp_path / "channel", "me:secret") as url:
        write_list(tmp_path, url)
        at = url.replace("//", "//{}@")
        (tmp_path / "secrets" / "conda").write_text(
            f"{url}/t/token/forge\n{at.format('me:secret')}/\n{at.format('me:other')}/\n"
        )
        fetching.main()
    assert (tmp_path / "packages" / "a-1.0-0.conda").is_file()


@pytest.mark.parametrize(("secret", "text"), [("conda", "https://me:s3cr3t@host:x/"), ("netrc", "s3cr3t {")])
def test_a_secret_that_is_none_ends_the_build_and_is_not_shown(
    fetching: ModuleType, tmp_path: Path, secret: str, text: str
):
    (tmp_path / "secrets" / secret).write_text(text)
    write_list(tmp_path, "http://127.0.0.1:9")
    with pytest.raises(SystemExit, match=f"the secret `{secret}`") as caught:
        fetching.main()
    assert "s3cr3t" not in str(caught.value)


def test_a_channel_that_breaks_off_ends_the_build_with_its_address(fetching: ModuleType, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            for _ in range(fetching.ATTEMPTS):
                with server.accept()[0] as asked:
                    asked.recv(1 << 16)
                    asked.sendall(b"no HTTP at all\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        write_list(tmp_path, f"http://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(SystemExit, match=r"a-1\.0-0\.conda cannot be fetched: no HTTP at all"):
            fetching.main()


def test_another_file_than_the_locked_one_ends_the_build(fetching: ModuleType, tmp_path: Path):
    (tmp_path / "channel").mkdir()
    with serve(tmp_path / "channel") as url:
        write_list(tmp_path, url, b"another")
        with pytest.raises(SystemExit, match="has another hash than the lock says"):
            fetching.main()


def test_without_a_login_the_build_ends_and_says_which_secret(fetching: ModuleType, tmp_path: Path):
    (tmp_path / "channel").mkdir()
    with serve(tmp_path / "channel", "me:secret") as url:
        write_list(tmp_path, url)
        with pytest.raises(SystemExit, match=r"answered 401.*secret `conda`"):
            fetching.main()


def test_a_channel_that_is_down_ends_the_build_with_its_address(fetching: ModuleType, tmp_path: Path):
    write_list(tmp_path, "http://127.0.0.1:9")
    with pytest.raises(SystemExit, match=r"http://127\.0\.0\.1:9/linux-64/a-1\.0-0\.conda cannot be fetched"):
        fetching.main()


def test_what_install_py_is_told_names_every_package(context: Callable[..., Context]):
    told = json.loads(texts(context(FAR, NEAR))["conda/conda.json"])
    assert told["prefix"] == "/opt/envbuild"
    assert [row["file"] for row in told["packages"]] == ["gdal-1.0-0.conda", "python-1.0-0.conda"]
    assert {row["sha256"] for row in told["packages"]} == {FAR.sha256, NEAR.sha256}


def test_two_channels_of_one_host_get_their_own_logins(tmp_path: Path):
    other = package("tiny", "https://channel.example/forge/inner", subdir="noarch")
    entries = "https://one:a-pw@channel.example/forge https://two:b-pw@channel.example/forge/inner"
    found = settings(FAR, other, environ={"ENVBUILD_CONDA_CREDENTIALS": entries, "HOME": str(tmp_path)})
    assert found.logins.split() == [
        "https://one:a-pw@channel.example/forge/",
        "https://two:b-pw@channel.example/forge/inner/",
    ]


def test_the_step_takes_the_login_of_the_longest_path_and_no_netrcs_default(tmp_path: Path, fetching: ModuleType):
    (tmp_path / "secrets" / "conda").write_text("https://one:a@h.example/forge/ https://two:b@h.example/forge/inner/\n")
    (tmp_path / "secrets" / "netrc").write_text("machine n.example login me password c\ndefault login me password d\n")
    known = fetching.logins()

    def said(url: str) -> str:
        return str(fetching.login_of(f"https://{url}/linux-64/a-1.0-0.conda", known))

    assert said("h.example/forge") == fetching.basic("one", "a")
    assert {said(f"h.example/forge/{up}/evil") for up in ("..", ".", "%2e%2E", "..%2fa", "..%5ca")} == {""}
    assert said("h.example/forge/inner") == fetching.basic("two", "b")
    assert said("n.example/any") == fetching.basic("me", "c")
    assert said("h.example/forgery") == said("h.example:444/forge") == said("else.example/forge") == ""
