"""Links to git repositories: pinned to a commit, fetched without anything running, and built like any source."""

from __future__ import annotations

import http.server
import re
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tinysources import git, source_files, write_repository

from envbuild.errors import NetworkError, ResolveError
from envbuild.model.types import Line
from envbuild.oci.store import Store
from envbuild.resolver.source.git import Git
from envbuild.resolver.source.links import GitLink, git_link

Make = Callable[..., Any]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's own settings of git, which are none yet."""
    (tmp_path / "home").mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return tmp_path / "home" / ".gitconfig"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    write_repository(tmp_path / "code", source_files("alpha", content="'first'"))
    return tmp_path / "code"


def module_of(store: Store, package: Any) -> str:
    with zipfile.ZipFile(store.blob(f"sha256:{package.sha256}")) as wheel:
        return wheel.read("alpha/__init__.py").decode()


def test_a_branch_is_pinned_to_its_commit_and_stays_there_until_it_is_resolved_anew(
    index: Any, build: Make, env: Make, store: Store, repository: Path
) -> None:
    first = git(repository, "rev-parse", "HEAD")
    index.wheel("beta")
    asked = env(f"alpha[extra] @ git+{repository.as_uri()}@main", "beta")
    lock = build(asked, allow=("alpha",))
    package = lock.packages[0]
    assert (package.source.commit, package.source.ref) == (first, "main")
    assert module_of(store, package) == "first"
    note = f"alpha 1.0 is built from a git repository of this machine at {first[:12]}, in a sandbox of the base"
    assert any(said.startswith(note) for said in lock.notes)
    second = write_repository(repository, source_files("alpha", content="'second'"))
    assert build(asked, allow=("alpha",), locked=True).packages[0].source.commit == first
    newer = build(asked, allow=("alpha",), upgrade=True).packages[0]
    assert newer.source.commit == second
    assert module_of(store, newer) == "second"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tag", "commit", "default"])
def test_tags_commits_and_the_default_branch(index: Any, build: Make, env: Make, repository: Path, kind: str) -> None:
    first = git(repository, "rev-parse", "HEAD")
    git(repository, "tag", "--annotate", "v1", "--message=one")
    second = write_repository(repository, source_files("alpha", content="'second'"))
    ref, wanted = {"tag": ("@v1", first), "commit": (f"@{first}", first), "default": ("", second)}[kind]
    lock = build(env(f"alpha @ git+{repository.as_uri()}{ref}"), allow=("alpha",))
    assert lock.packages[0].source.commit == wanted


def test_a_commit_that_no_name_stands_for_any_more_is_no_commit(
    index: Any, build: Make, env: Make, repository: Path
) -> None:
    with pytest.raises(ResolveError, match="does not have the commit"):
        build(env(f"alpha @ git+{repository.as_uri()}@{'1' * 40}"), allow=("alpha",))


@pytest.mark.parametrize(("ref", "told"), [("v1.2", "1.2"), ("main", "nothing")])
def test_a_build_that_would_ask_git_is_told_the_version_of_the_tag(
    index: Any, build: Make, env: Make, store: Store, tmp_path: Path, ref: str, told: str
) -> None:
    content = "os.environ.get('SETUPTOOLS_SCM_PRETEND_VERSION', 'nothing')"
    write_repository(tmp_path / "code", source_files("alpha", content=content))
    git(tmp_path / "code", "tag", "v1.2")
    # Of one commit there are two wheels then, and neither is taken for the other.
    address = f"alpha @ git+{(tmp_path / 'code').as_uri()}"
    for each, wanted in ((f"{address}@{ref}", told), (address, "nothing")):
        assert module_of(store, build(env(each), allow=("alpha",)).packages[0]) == wanted


@pytest.mark.slow
def test_a_subdirectory_and_a_line_that_only_pip_understands(
    index: Any, build: Make, env: Make, tmp_path: Path
) -> None:
    files = {f"part/one/{name}": text for name, text in source_files("alpha").items()}
    write_repository(tmp_path / "code", files)
    address = f"git+{(tmp_path / 'code').as_uri()}#egg=Alpha&subdirectory=part/one"
    asked = env("alpha")
    asked = replace(asked, pip=(), lines=(Line(text=address, span=asked.pip[0].span),))
    (package,) = build(asked, allow=("alpha",)).packages
    assert (package.name, package.source.subdirectory) == ("alpha", "part/one")


@pytest.mark.slow
def test_submodules_come_along(index: Any, build: Make, env: Make, store: Store, tmp_path: Path) -> None:
    write_repository(tmp_path / "inner", {"word.py": "WORD = 'inner'"})
    files = source_files("alpha", content="open('inner/word.py').read()")
    write_repository(tmp_path / "code", files)
    git(tmp_path / "code", "submodule", "--quiet", "add", (tmp_path / "inner").as_uri(), "inner")
    write_repository(tmp_path / "code", {"more": ""})
    (package,) = build(env(f"alpha @ git+{(tmp_path / 'code').as_uri()}"), allow=("alpha",)).packages
    assert module_of(store, package) == "WORD = 'inner'"


def test_hooks_and_templates_of_the_person_do_not_run(
    index: Any, build: Make, env: Make, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = tmp_path / "template" / "hooks"
    hooks.mkdir(parents=True)
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        (hooks / name).chmod(0o755)
    (tmp_path / "home" / ".gitconfig").write_text(
        f"[init]\n\ttemplateDir = {tmp_path}/template\n[core]\n\thooksPath = {hooks}\n"
    )
    build(env(f"alpha @ git+{repository.as_uri()}"), allow=("alpha",))
    assert not (tmp_path / "ran").exists()


def link_to(repository: Path, rest: str = "") -> GitLink:
    return git_link(f"alpha @ git+{repository.as_uri()}{rest}", "conda.yaml:7")


def test_a_whole_name_of_a_signed_tag_stands_for_its_commit(repository: Path) -> None:
    git(repository, "tag", "--annotate", "v1", "--message=one")
    first = git(repository, "rev-parse", "HEAD")
    write_repository(repository, {"more": ""})
    assert Git(link_to(repository, "@refs/tags/v1"), lambda: None).commit() == first
    assert Git(link_to(repository, "@v1"), lambda: None).commit() == first


def test_no_program_of_the_person_answers_for_a_login(
    settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repository on a web server that wants a login, whose name the model chose."""
    ask = tmp_path / "ask"
    ask.write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\necho s3cret\n")
    ask.chmod(0o755)
    settings.write_text(f"[core]\n\taskPass = {ask}\n")
    for name in ("GIT_ASKPASS", "SSH_ASKPASS"):
        monkeypatch.setenv(name, str(ask))
    heads: list[str | None] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heads.append(self.headers.get("Authorization"))
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        link = git_link(f"alpha @ git+http://127.0.0.1:{server.server_address[1]}/x.git", "conda.yaml:7")
        with pytest.raises(NetworkError, match="could not be fetched"):
            Git(link, lambda: None).commit()
        server.shutdown()
    assert heads
    assert not [head for head in heads if head]
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize(
    ("variables", "text", "expected"),
    [
        ({}, "", "ssh -o BatchMode=yes"),
        ({"GIT_SSH_COMMAND": "mine"}, "", "mine"),
        ({"GIT_SSH": "mine"}, "", None),
        ({}, "[core]\n\tsshCommand = mine\n", None),
    ],
)
def test_the_person_s_own_way_over_ssh_is_taken(
    repository: Path,
    settings: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    text: str,
    expected: str | None,
) -> None:
    for name in ("GIT_SSH", "GIT_SSH_COMMAND"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings.write_text(text)
    assert Git(link_to(repository), lambda: None)._variables.get("GIT_SSH_COMMAND") == expected


def test_what_git_started_ends_with_it(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "git"
    program.write_text(f"#!/bin/sh\nsleep 987 &\necho $! > {tmp_path}/number\nwait\n")
    program.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda _: str(program))
    monkeypatch.setenv("GIT_SSH", "x")

    def tick() -> None:
        if (tmp_path / "number").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Git(link_to(repository), tick).commit()
    number = int((tmp_path / "number").read_text())
    until = time.monotonic() + 5
    while _alive(number) and time.monotonic() < until:
        time.sleep(0.02)
    assert not _alive(number)


def _alive(number: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return False


def test_a_repository_that_is_larger_than_a_build_may_be_is_refused(repository: Path, tmp_path: Path) -> None:
    commit = write_repository(repository, {"large": "0" * (2 << 20)})
    (tmp_path / "place").mkdir()
    with pytest.raises(ResolveError, match="has more than 1 MiB"):
        Git(link_to(repository), lambda: None, disk=1 << 20).checkout(commit, tmp_path / "place")


@pytest.mark.parametrize("part", ["itself", "a" * 300])
def test_a_subdirectory_that_cannot_be_read_is_told(
    index: Any, build: Make, env: Make, repository: Path, part: str
) -> None:
    (repository / "itself").symlink_to("itself")
    write_repository(repository, {})
    with pytest.raises(ResolveError, match="has no folder") as caught:
        build(env(f"alpha @ git+{repository.as_uri()}@main#subdirectory={part}"), allow=("alpha",))
    assert "#subdirectory=" in caught.value.hint


@pytest.mark.slow
def test_a_branch_stays_at_its_commit_when_another_package_is_chosen_anew(
    index: Any, build: Make, env: Make, repository: Path
) -> None:
    first = git(repository, "rev-parse", "HEAD")
    index.wheel("beta")
    asked = env(f"alpha @ git+{repository.as_uri()}@main", "beta")
    build(asked, allow=("alpha",))
    second = write_repository(repository, source_files("alpha", content="'second'"))
    packages = build(asked, allow=("alpha",), upgrade_packages=("beta",)).packages
    assert packages[0].source.commit == first
    packages = build(asked, allow=("alpha",), upgrade_packages=("alpha",)).packages
    assert packages[0].source.commit == second


@pytest.mark.parametrize("allow", [(), ("beta",), ("all",)])
def test_git_does_not_run_for_what_nobody_named(
    index: Any, build: Make, env: Make, repository: Path, allow: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("envbuild.resolver.source.git.Git.__init__", lambda *_: pytest.fail("git was asked"))
    with pytest.raises(ResolveError) as caught:
        build(env(f"alpha @ git+{repository.as_uri()}"), allow=allow)
    assert re.search(r"model/conda\.yaml:7: 'alpha @ git\+file:", caught.value.message)
    assert "--allow-build alpha" in caught.value.hint


def test_a_repository_that_is_not_there(index: Any, build: Make, env: Make, tmp_path: Path) -> None:
    with pytest.raises(NetworkError) as caught:
        build(env(f"alpha @ git+{tmp_path.as_uri()}/none"), allow=("alpha",))
    assert caught.value.message.startswith("conda.yaml:7: file:///")
    assert "could not be fetched" in caught.value.message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("alpha @ git+ext::sh -c touch% /tmp/x", "not supported"),
        ("alpha @ git+ftp://example.org/x.git", "not supported"),
        ("alpha @ git+https://bob:s3cret@example.org/x.git", "credentials"),
        ("alpha @ git+https://token@example.org/x.git", "credentials"),
        ("alpha @ git+ssh://git:s3cret@example.org/x.git", "credentials"),
        ("alpha @ git+https://example.org/x.git?a=b", "query"),
        ("alpha @ git+https://${TOKEN}/x.git", "names"),
        ("alpha @ git+https://example.org/x.git@--upload-pack=x", "no revision"),
        ("alpha @ git+https://example.org/x.git@a..b", "no revision"),
        ("alpha @ git+ssh://-oProxyCommand=x/x.git", "no repository"),
        ("alpha @ git+ssh://-x@example.org/x.git", "no repository"),
        ("alpha @ git+ssh://a%20b@example.org/x.git", "no repository"),
        ("alpha @ git+ssh://$(x)@example.org/x.git", "no repository"),
        ("alpha @ git+file://elsewhere/x.git", "no repository"),
        ("alpha @ git+https://example.org/x.git#subdirectory=../x", "outside"),
        ("git+https://example.org/x.git", "without the name"),
    ],
)
def test_links_that_are_none(text: str, says: str) -> None:
    with pytest.raises(ResolveError) as caught:
        git_link(text, "conda.yaml:7")
    assert says in caught.value.message
    assert caught.value.message.startswith("conda.yaml:7: ")
    assert "s3cret" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "url", "ref"),
    [
        ("a @ git+https://example.org/x.git@v1.0", "https://example.org/x.git", "v1.0"),
        ("a @ git+https://example.org:8443/u/x", "https://example.org:8443/u/x", ""),
        ("a @ git+ssh://git@example.org/u/x.git@feature/one", "ssh://git@example.org/u/x.git", "feature/one"),
        ("A[b,c]@git+https://example.org/x.git ; python_version > '3'", "https://example.org/x.git", ""),
    ],
)
def test_links_as_git_gets_them(text: str, url: str, ref: str) -> None:
    link = git_link(text, "x")
    assert (link.name, link.url, link.ref) == ("a", url, ref)
