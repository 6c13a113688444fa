from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tinywheels import make_wheel

from envbuild.errors import EnvbuildError, ModelError, NetworkError, ResolveError, StorageError
from envbuild.resolver.explain import error_of
from envbuild.resolver.requirements import Ask, Inputs
from envbuild.resolver.target import platform_of
from envbuild.resolver.uv import Answer, clean_environment

Make = Callable[..., Any]


@pytest.fixture
def refused(index: Any, env: Make, run: Make, tmp_path: Path) -> Callable[..., EnvbuildError]:
    """Resolve, expect an error, and expect no half lock."""

    def refuse(*pip: str, kind: type[EnvbuildError] = ResolveError, **changes: Any) -> EnvbuildError:
        with pytest.raises(EnvbuildError) as caught:
            run(env(*pip), **changes)
        assert type(caught.value) is kind, caught.value.message
        assert not list((tmp_path / "cache").glob("locks/*"))
        return caught.value

    return refuse


def test_a_package_that_no_index_has(refused: Make) -> None:
    error = refused("no-such-package==1.0")
    first, second = error.message.splitlines()[:2]
    assert first == "no set of packages satisfies the requirements on Python 3.11.2:"
    assert second == "  No solution found when resolving dependencies"
    assert "no-such-package was not found" in error.message
    assert "conda.yaml:7: no-such-package==1.0" in error.message
    assert "spelling of no-such-package" in error.hint


def test_a_version_that_the_index_lacks(index: Any, refused: Make) -> None:
    index.wheel("alpha")
    error = refused("alpha==9.9")
    assert "there is no version of alpha==9.9" in error.message
    assert error.hint == "choose a version of alpha that the index has"


def test_two_pins_that_cannot_both_hold(index: Any, refused: Make) -> None:
    index.wheel("alpha", requires=["beta<2"])
    index.wheel("beta", "1.0")
    index.wheel("beta", "2.0")
    error = refused("alpha", "beta==2.0", "beta")
    assert "Because all versions of alpha depend on beta<2" in error.message
    assert "we can conclude that your requirements are unsatisfiable" in error.message
    assert "conda.yaml:7: alpha" in error.message
    assert "conda.yaml:8: beta==2.0" in error.message
    assert "pins" in error.hint


def test_a_soft_constraint_never_takes_the_blame_for_the_model(index: Any, refused: Make, profile: Make) -> None:
    index.wheel("alpha")
    error = refused("alpha==9.9", profile=profile(constraints=["alpha<1"]))
    assert "alpha<1" not in error.message


@pytest.mark.parametrize("pip", [["only-source"], ["only-source==1.0"], ["needs"], ["needs==1.0", "beta"]])
def test_a_package_without_a_wheel_is_named_with_the_option_for_it(index: Any, refused: Make, pip: list[str]) -> None:
    index.source("only-source")
    index.wheel("needs", requires=["only-source==1.0"])
    index.wheel("beta")
    error = refused(*pip)
    assert "no usable wheels" in error.message
    assert "only-source is there as source alone" in error.hint
    assert "--allow-build only-source" in error.hint
    assert not [path for path in index.downloads() if path.endswith(".tar.gz")]


def test_a_wheel_for_another_system(index: Any, refused: Make) -> None:
    index.wheel("winonly", tag="cp311-cp311-win_amd64")
    error = refused("winonly")
    assert "win_amd64" in error.message
    assert error.hint.startswith("winonly has no wheel for manylinux_2_36_x86_64 and Python 3.11")


def test_a_wheel_for_another_machine_alone(index: Any, refused: Make) -> None:
    index.wheel("intel", tag="cp311-cp311-manylinux2014_x86_64")
    error = refused("intel==1.0", architecture="arm64")
    assert "conda.yaml:7: intel==1.0" in error.message
    assert error.hint.startswith("intel has no wheel for manylinux_2_36_aarch64 and Python 3.11")
    assert error.hint.endswith("--platform linux/amd64 builds for it")


def test_a_wheel_for_a_newer_glibc(index: Any, refused: Make, env: Make, run: Make) -> None:
    index.wheel("fresh", tag="cp311-cp311-manylinux_2_36_x86_64")
    error = refused("fresh", glibc="2.31")
    assert "fresh has no wheel for manylinux_2_31_x86_64" in error.hint
    assert "--platform" not in error.hint
    assert run(env("fresh")).packages[0].name == "fresh"


def test_a_package_for_another_python(index: Any, refused: Make) -> None:
    index.wheel("newpy", python=">=3.13")
    error = refused("newpy")
    assert "requires Python >=3.13" in error.message
    assert "--python" in error.hint


def test_a_requirement_that_uv_cannot_read(refused: Make, env: Make, run: Make, req: Make) -> None:
    from dataclasses import replace

    broken = replace(req("alpha"), specifier="=1")
    with pytest.raises(ResolveError) as caught:
        run(env(), extra=(broken,))
    assert "Couldn't parse" in caught.value.message
    assert "/tmp" not in caught.value.message.replace("`requirements.in`", "")


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as held:  # bound and not listening: nobody else can take it
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_an_index_that_does_not_answer(refused: Make, closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://bob:s3cret@127.0.0.1:{closed_port}/simple")
    error = refused("alpha", kind=NetworkError)
    assert "Connection refused" in error.message
    assert "s3cret" not in error.message
    assert "UV_DEFAULT_INDEX" in error.hint


def test_an_index_that_is_broken(index: Any, refused: Make) -> None:
    index.answers["/simple/alpha/"] = [503] * 9
    error = refused("alpha", kind=NetworkError)
    assert "503" in error.message


def test_a_file_that_the_index_names_and_does_not_have(index: Any, refused: Make) -> None:
    name = index.wheel("alpha").name
    index.answers[f"/files/{name}"] = [404] * 9
    error = refused("alpha", kind=NetworkError)
    assert error.message.startswith("the package index names a file that it does not have:")
    assert name in error.message
    assert "could not be reached" not in error.message


def test_a_page_in_the_place_of_a_wheel(index: Any, refused: Make) -> None:
    name = index.wheel("alpha").name
    index.replaced[name] = b"<html><body>Welcome: please log in</body></html>"
    error = refused("alpha==1.0", kind=NetworkError)
    assert error.message.startswith(f"what the package index gave for {name} is no wheel:")
    assert "browser" in error.hint


def test_a_page_in_the_place_of_a_wheel_that_is_read_in_parts() -> None:
    said = (
        "error: No solution found when resolving dependencies\n  cause: Because alpha==1.0 has an invalid package "
        "format and you require alpha==1.0, we can conclude that your requirements are unsatisfiable."
    )
    inputs = Inputs(asks=(Ask(name="alpha", text="alpha==1.0", where="conda.yaml:7"),))
    error = error_of(Answer(explanation=said, code=1), inputs, platform_of("3.11.2", "2.36", "amd64"))
    assert type(error) is NetworkError
    assert error.message.startswith("what the package index gave for alpha is no wheel:")
    assert "conda.yaml:7: alpha==1.0" in error.message
    assert "browser" in error.hint


SIGN_IN = b"<html><head><title>Please\n sign in\x07</title></head><body><a href='/login'>log in</a></body></html>"


@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "UV_INDEX"])
def test_a_sign_in_page_in_the_place_of_an_index(
    index: Any, refused: Make, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    index.pages["/other/alpha/"] = ("text/html", SIGN_IN)
    own = "own=" if variable == "UV_INDEX" else ""
    monkeypatch.setenv(variable, f"{own}{index.base.replace('//', '//bob:s3cret@')}/other")
    error = refused("alpha", kind=NetworkError)
    assert error.message == (
        f"{index.base}/other/alpha/ answered with a page that is none of an index: 'Please sign in'"
    )
    assert "sign-in page" in error.hint


def test_a_page_of_an_index_without_files_is_one(index: Any, refused: Make) -> None:
    index.pages["/simple/alpha/"] = ("text/html", b"<html><head><title>Links for alpha</title></head></html>")
    assert "there are no versions of alpha" in refused("alpha").message


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        ("application/vnd.pypi.simple.v1+json", b'{"not":1'),
        ("application/octet-stream", b"\0\1"),
        ("text/plain", b"no"),
    ],
)
def test_an_answer_that_is_no_page_of_an_index(index: Any, refused: Make, kind: str, page: bytes) -> None:
    index.pages["/simple/alpha/"] = (kind, page)
    error = refused("alpha", kind=NetworkError)
    assert error.message.startswith("what the package index answered is no page of an index:")
    assert f"{index.simple}alpha/" in error.message
    assert "sign-in page" in error.hint


def test_an_index_that_refuses(index: Any, refused: Make) -> None:
    index.answers["/simple/alpha/"] = [403] * 9
    error = refused("alpha", kind=NetworkError)
    assert error.message.startswith("the package index refuses what is asked for (403 Forbidden):")
    assert index.simple.rstrip("/") in error.message
    assert ".netrc" in error.hint
    assert "spelling" not in error.hint


@pytest.mark.parametrize(("status", "says"), [(401, "wants credentials"), (403, "refuses what is asked for")])
def test_a_wheel_alone_that_is_not_given(index: Any, refused: Make, status: int, says: str) -> None:
    name = index.wheel("alpha").name
    index.answers[f"/files/{name}"] = [status] * 9
    error = refused("alpha", kind=NetworkError)
    assert says in error.message
    assert ".netrc" in error.hint


@pytest.mark.parametrize("text", ["alpha==9.9", "alpha>1"])
def test_options_of_uv_s_own_are_not_advised(
    index: Any, refused: Make, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    index.wheel("alpha")
    monkeypatch.setenv("UV_INDEX", index.simple)
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{index.base}/whl/other/")
    error = refused(text)
    assert "may be available on a subsequent index" in error.message
    assert "index-strategy" not in error.message + error.explanation
    assert error.hint == "choose a version of alpha that the index has"


YANKED = (
    "error: No solution found when resolving dependencies\n  cause: Because alpha==2.0 was yanked (reason: broken: XX) "
    "and only the following versions of alpha are available:\n             alpha<=1\n             alpha==2.0\n"
    "         we can conclude that alpha>1 cannot be used.\n"
    "         And because you require alpha>1, we can conclude that your requirements are unsatisfiable."
)
FOLLOWING = (
    "error: No solution found when resolving dependencies\n  cause: Because only the following versions of alpha are "
    "available:\n             alpha<=1\n             alpha==2.0\n         and you require alpha==1.5, we can conclude "
    "that your requirements are unsatisfiable."
)
PRERELEASE = (
    "error: No solution found when resolving dependencies\n  cause: Because only alpha<1 is available and you require "
    "alpha>=1, we can conclude that your requirements are unsatisfiable.\n\nhint: Pre-releases are available for "
    "`alpha` in the requested range (e.g., 1.0rc1), but pre-releases weren't enabled (try: `--prerelease=allow`)"
)


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        (YANKED, "alpha 2.0 was yanked, which is its publisher's word against it: choose another version, or write "),
        (FOLLOWING, "choose a version of alpha that the index has"),
        (PRERELEASE, "choose a version of alpha that the index has"),
    ],
)
def test_uv_s_words_on_versions(said: str, hint: str) -> None:
    inputs = Inputs(asks=(Ask(name="alpha", text="alpha>1", where="conda.yaml:7"),))
    error = error_of(Answer(explanation=said, code=1), inputs, platform_of("3.11.2", "2.36", "amd64"))
    assert error.hint.startswith(hint)
    assert "--prerelease" not in error.message


def test_a_version_of_mlflow_that_there_is_not(index: Any, refused: Make) -> None:
    index.wheel("mlflow", "3.0", requires=["mlflow-skinny==3.0"])
    index.wheel("mlflow-skinny", "3.0")
    for name in ("numpy", "pandas"):
        index.wheel(name)
    assert refused("mlflow==9.9.9").hint == "choose a version of mlflow that the index has"


def test_a_wheel_of_the_model_that_is_damaged(index: Any, refused: Make, tmp_path: Path) -> None:
    code = tmp_path / "model" / "code"
    code.mkdir(parents=True)
    wheel = make_wheel(code, "own", files={"own/data": bytes(range(256)) * 20})
    wheel.write_bytes(wheel.read_bytes()[:1000])
    error = refused(f"own @ file:code/{wheel.name}", kind=ModelError)
    assert error.message.startswith(f"conda.yaml:7: code/{wheel.name} is damaged, or is no wheel: ")
    assert error.hint


def test_two_wheels_of_one_package_in_the_model(index: Any, refused: Make, tmp_path: Path) -> None:
    code = tmp_path / "model" / "code"
    code.mkdir(parents=True)
    wheels = [make_wheel(code, "own", version).name for version in ("1.0", "2.0")]
    error = refused(*(f"own @ file:code/{wheel}" for wheel in wheels))
    first, *rows = error.message.splitlines()
    assert first == "2 lines name a file of own each, and one can be laid down:"
    assert [row.partition("#")[0] for row in rows] == [
        f"  conda.yaml:7: own @ code/{wheels[0]}",
        f"  conda.yaml:8: own @ code/{wheels[1]}",
    ]
    assert error.hint.startswith("leave one of them")


def test_an_index_that_wants_a_password(index: Any, refused: Make) -> None:
    index.wheel("alpha")
    index.login = "bob:s3cret"
    error = refused("alpha", kind=NetworkError)
    assert "401" in error.message
    assert ".netrc" in error.hint


def test_a_port_that_speaks_no_tls(index: Any, refused: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.simple.replace("http:", "https:"))
    error = refused("alpha", kind=NetworkError)
    assert "SSL_CERT_FILE" in error.hint


def test_offline_with_an_empty_cache(index: Any, refused: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    index.wheel("alpha")
    monkeypatch.setenv("UV_OFFLINE", "1")
    error = refused("alpha", kind=NetworkError)
    assert "UV_OFFLINE" in error.hint
    assert index.requests == []


def test_a_cache_that_cannot_be_made(index: Any, env: Make, run: Make, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(StorageError, match="cache"):
        run(env("alpha"))


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("error: Failed to write\n  cause: No space left on device (os error 28)", StorageError),
        ("error: Failed to open\n  cause: Permission denied (os error 13)", StorageError),
        ("error: Failed to fetch: https://x\n  cause: operation timed out", NetworkError),
        ("something that no version of uv has said yet", ResolveError),
    ],
)
def test_other_ends_of_uv(said: str, kind: type[EnvbuildError]) -> None:
    inputs = Inputs(asks=(Ask(name="alpha", text="alpha", where="conda.yaml:7"),))
    error = error_of(Answer(explanation=said, code=2), inputs, platform_of("3.11.2", "2.36", "amd64"))
    assert type(error) is kind
    assert said.splitlines()[-1] in error.message
    assert error.hint


def test_uv_sees_the_persons_index_and_no_other_setting(tmp_path: Path) -> None:
    environ = {
        "PATH": "/bin", "UV_INDEX_URL": "https://i", "UV_INDEX_PRIV_PASSWORD": "x", "UV_OVERRIDE": "y",
        "PYTHONPATH": "z", "VIRTUAL_ENV": "v", "https_proxy": "p", "SSL_CERT_FILE": "c", "OTHER": "o",
        "LD_LIBRARY_PATH": "l",
    }  # fmt: skip
    seen = clean_environment(environ, tmp_path)
    assert {name for name in environ if name in seen} == {
        "PATH", "UV_INDEX_URL", "UV_INDEX_PRIV_PASSWORD", "https_proxy", "SSL_CERT_FILE",
        "LD_LIBRARY_PATH",
    }  # fmt: skip
    assert seen["UV_NO_CONFIG"] == "1"
    assert seen["UV_PYTHON_DOWNLOADS"] == "never"
    assert seen["UV_CACHE_DIR"] == str(tmp_path)
    assert "OTHER" in clean_environment({**environ, "UV_KEYRING_PROVIDER": "subprocess"}, tmp_path)
