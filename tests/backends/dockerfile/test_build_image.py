"""Builds through a real engine, by both builders: what ends well, what fails, and what breaks half-way."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cutproxy import cut_proxy
from tinyroot import tiny_context, tiny_root

from envbuild.backends.dockerfile.build import Made, build_image
from envbuild.backends.dockerfile.choosing import Builder, choose_builder
from envbuild.backends.dockerfile.connection import Connection
from envbuild.backends.dockerfile.fetching import Fetching
from envbuild.backends.dockerfile.history import layers_of
from envbuild.backends.dockerfile.instructions import instructions
from envbuild.by_engine import connection_of
from envbuild.errors import EngineError, ModelError
from envbuild.options import DockerOptions
from envbuild.progress import Progress
from envbuild.shipping.engine import Engine, connect

pytestmark = pytest.mark.engine

BASE = """\
FROM scratch AS base
ADD base.tar /

FROM base AS packages
"""
WELL = (
    BASE
    + """\
RUN ["/bin/sh", "-c", "echo made > /w/file"]
FROM base
ENV A=1
COPY --from=packages /w/ /w/
LABEL l="v"
"""
)


class Listener(Progress):
    """Keeps what was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.steps: list[str] = []

    def advance(self, phase: str, amount: int = 1, *, what: str = "") -> None:
        self.steps.append(what)

    def output(self, phase: str, line: str) -> None:
        self.lines.append(line)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    found = connect(required=True)
    assert found is not None
    yield found
    found.close()


@pytest.fixture(scope="module")
def connection(engine: Engine) -> Connection:
    return connection_of(engine)


@pytest.fixture(scope="module")
def salt() -> str:
    return secrets.token_hex(8)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, salt: str) -> Path:
    return tiny_root(tmp_path_factory.mktemp("root"), salt=salt)


@pytest.fixture(params=["classic", "buildkit"])
def builder(request: pytest.FixtureRequest, connection: Connection) -> Builder:
    try:
        return choose_builder(request.param, connection)
    except EngineError as error:
        pytest.skip(error.message)


@pytest.fixture
def made(engine: Engine) -> Iterator[list[str]]:
    """The ids of images that the test leaves behind."""
    found: list[str] = []
    yield found
    for identity in found:
        engine.remove_image(identity)


def build(
    base: Path,
    dockerfile: str,
    builder: Builder,
    connection: Connection,
    *,
    progress: Progress | None = None,
    fetching: Fetching | None = None,
    options: DockerOptions | None = None,
    texts: dict[str, str] | None = None,
) -> Made:
    context = tiny_context(base, dockerfile, texts=texts, buildkit=builder.kind == "buildkit")
    return build_image(
        context,
        connection=connection,
        builder=builder,
        options=options or DockerOptions(network="none"),
        fetching=fetching or Fetching(),
        progress=progress or Listener(),
    )


def test_a_build_makes_an_image_without_a_name_and_tells_its_layers(
    base: Path, builder: Builder, connection: Connection, engine: Engine, made: list[str]
) -> None:
    listener = Listener()
    result = build(base, WELL, builder, connection, progress=listener)
    made.append(result.image_id)
    found: Any = engine.inspect_image(result.image_id)
    assert found is not None
    assert not found.get("RepoTags")
    assert "A=1" in found["Config"]["Env"]
    assert result.sent > base.stat().st_size
    assert any(step.startswith("RUN") for step in listener.steps)
    history = engine.history(result.image_id)
    layers = layers_of(history, found["RootFS"]["Layers"], instructions(WELL), result.steps)
    assert [(layer.kind, layer.why, layer.diff_id) for layer in layers] == [
        ("base", "line 2 of the Dockerfile", found["RootFS"]["Layers"][0]),
        ("wheels", "line 8 of the Dockerfile", found["RootFS"]["Layers"][1]),
    ]
    assert layers[1].size == len("made\n")


def test_what_was_built_before_comes_from_the_cache(
    base: Path, builder: Builder, connection: Connection, made: list[str]
) -> None:
    first = build(base, WELL, builder, connection)
    again = build(base, WELL, builder, connection)
    made.append(first.image_id)
    assert again.image_id == first.image_id
    assert sum(step.cached for step in again.steps) >= 3


def test_a_failed_step_shows_its_last_lines_and_the_line_of_the_dockerfile(
    base: Path, builder: Builder, connection: Connection
) -> None:
    word = secrets.token_hex(4)
    script = (
        f"for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18; do echo {word} $i.; done; echo bad luck >&2; exit 3"
    )
    text = BASE + f'# a comment\nRUN ["/bin/sh", "-c", "{script}"]\n'
    with pytest.raises(EngineError) as caught:
        build(base, text, builder, connection)
    message = caught.value.message
    assert "line 6 of the Dockerfile" in message
    assert '6 | RUN ["/bin/sh", "-c"' in message
    assert "bad luck" in message
    assert f"{word} 18." in message
    assert f"  {word} 3." not in message
    assert "3" in message.partition("\n")[0]
    assert caught.value.exit_code == 9


def test_an_instruction_that_is_none_is_shown_with_its_line(
    base: Path, builder: Builder, connection: Connection
) -> None:
    with pytest.raises(EngineError) as caught:
        build(base, "FROM scratch\n\nFROBNICATE all\n", builder, connection)
    assert "line 3 of the Dockerfile" in caught.value.message
    assert "FROBNICATE all" in caught.value.message


def test_a_copy_of_nothing_is_told(base: Path, builder: Builder, connection: Connection) -> None:
    with pytest.raises(EngineError) as caught:
        build(base, BASE + "COPY nowhere/ /x/\n", builder, connection)
    assert "nowhere" in caught.value.message
    assert "line 5 of the Dockerfile" in caught.value.message


def test_all_output_is_told_where_it_was_asked_for(
    base: Path, builder: Builder, connection: Connection, made: list[str]
) -> None:
    listener = Listener()
    text = BASE + f'RUN ["/bin/sh", "-c", "echo said-{secrets.token_hex(4)}"]\n'
    result = build(
        base, text, builder, connection, progress=listener, options=DockerOptions(network="none", output="plain")
    )
    made.append(result.image_id)
    assert any(line.startswith("said-") for line in listener.lines)


def test_a_file_that_changes_meanwhile_stops_the_build(
    base: Path, builder: Builder, connection: Connection, tmp_path: Path
) -> None:
    context = tiny_context(base, WELL, buildkit=builder.kind == "buildkit")
    changing = tmp_path / "weights"
    changing.write_bytes(b"other")
    (entry,) = (one for one in context.entries if one.path == "base.tar")
    entries = tuple(replace(one, source=changing) if one is entry else one for one in context.entries)
    with pytest.raises(ModelError, match="changed"):
        build_image(
            replace(context, entries=entries),
            connection=connection,
            builder=builder,
            options=DockerOptions(),
            fetching=Fetching(),
            progress=Listener(),
        )


def test_credentials_reach_neither_output_nor_history_nor_layers(
    base: Path, builder: Builder, connection: Connection, engine: Engine, made: list[str]
) -> None:
    password = f"pw-{secrets.token_hex(8)}"
    conf = f"[global]\nindex-url = https://me:{password}@host/simple\n"
    given = Fetching(
        args={"HTTPS_PROXY": f"http://me:{password}@proxy:1"},
        pip_conf=conf if builder.kind == "buildkit" else "",
        hidden=(password,),
    )
    show = "RUN " + ("--mount=type=secret,id=pip " if builder.kind == "buildkit" else "")
    script = f"echo {secrets.token_hex(4)} $HTTPS_PROXY; if [ -e /run/secrets/pip ]; then cat /run/secrets/pip; fi"
    text = BASE + show + f'["/bin/sh", "-c", "{script}"]\nRUN ["/bin/sh", "-c", "echo x > /w/x"]\n'
    listener = Listener()
    result = build(
        base,
        text,
        builder,
        connection,
        progress=listener,
        fetching=given,
        options=DockerOptions(network="none", output="plain"),
    )
    made.append(result.image_id)
    told = "\n".join(listener.lines)
    assert "@proxy:1" in told or "proxy:1" in told
    assert password not in told + "\n".join(listener.steps)
    if builder.kind == "buildkit":
        assert "index-url" in told
    assert password not in json.dumps(engine.history(result.image_id))
    assert password not in json.dumps(engine.inspect_image(result.image_id))
    with engine.save(result.image_id) as stream:
        assert password.encode() not in stream.read()
    with pytest.raises(EngineError) as caught:
        failing = f'["/bin/sh", "-c", "echo {password} {secrets.token_hex(4)}; exit 1"]\n'
        build(base, BASE + "RUN " + failing, builder, connection, fetching=given)
    assert password not in caught.value.message
    assert "***" in caught.value.message


def test_a_secret_of_ones_own_is_mounted_and_not_shown(
    base: Path, connection: Connection, engine: Engine, tmp_path: Path, made: list[str]
) -> None:
    try:
        builder = choose_builder("buildkit", connection)
    except EngineError as error:
        pytest.skip(error.message)
    secret = tmp_path / "token"
    secret.write_text(f"top-{secrets.token_hex(8)}\n")
    text = BASE + 'RUN --mount=type=secret,id=mine ["/bin/sh", "-c", "echo got; cat /run/secrets/mine"]\n'
    listener = Listener()
    options = DockerOptions(secrets=(f"id=mine,src={secret}",), network="none", output="plain")
    result = build(base, text, builder, connection, progress=listener, options=options)
    made.append(result.image_id)
    told = "\n".join(listener.lines)
    assert "got\n***" in told
    assert secret.read_text().strip() not in told


def test_build_arguments_arrive(base: Path, builder: Builder, connection: Connection, made: list[str]) -> None:
    word = secrets.token_hex(4)
    text = BASE + f'ARG WORD\nRUN ["/bin/sh", "-c", "echo said-{word}-$WORD"]\n'
    listener = Listener()
    options = DockerOptions(build_args=(("WORD", 'a "b" c'),), network="none", output="plain")
    result = build(base, text, builder, connection, progress=listener, options=options)
    made.append(result.image_id)
    assert f"said-{word}-a b c" in [line.replace('"', "") for line in listener.lines]


def test_an_engine_that_dies_half_way_is_told(base: Path, builder: Builder, connection: Connection) -> None:
    if not connection.address.startswith("unix://"):
        pytest.skip("needs an engine behind a unix socket")
    word = f"word-{secrets.token_hex(6)}"
    text = BASE + f'RUN ["/bin/sh", "-c", "echo {word}; sleep 20"]\n'
    with tempfile.TemporaryDirectory(prefix="eb-") as folder:
        path = Path(folder, "cut.sock")
        with cut_proxy(path, connection.address.removeprefix("unix://")) as proxy:

            class Killer(Listener):
                def output(self, phase: str, line: str) -> None:
                    if line == word:
                        proxy.cut()

            started = time.monotonic()
            with pytest.raises(EngineError) as caught:
                build(
                    base,
                    text,
                    builder,
                    replace(connection, address=f"unix://{path}"),
                    progress=Killer(),
                    options=DockerOptions(network="none", output="plain"),
                )
    assert time.monotonic() - started < 15
    assert str(path) in caught.value.message
    assert "no image was tagged" in caught.value.hint
    assert caught.value.exit_code == 9


def test_an_engine_that_is_not_there_is_told(base: Path, builder: Builder, tmp_path: Path) -> None:
    nowhere = Connection(address=f"unix://{tmp_path}/no.sock", version="20.10.24")
    with pytest.raises(EngineError) as caught:
        build(base, WELL, builder, nowhere)
    assert "no.sock" in caught.value.message


INTERRUPTED = """
import sys
from pathlib import Path
sys.path.insert(0, {support!r})
from tinyroot import tiny_context
from envbuild.backends.dockerfile.build import build_image
from envbuild.backends.dockerfile.choosing import choose_builder
from envbuild.backends.dockerfile.fetching import Fetching
from envbuild.by_engine import connection_of
from envbuild.cli.main import _handle_signals
from envbuild.options import DockerOptions
from envbuild.progress import Progress
from envbuild.shipping.engine import connect

class Said(Progress):
    def output(self, phase, line):
        print(line, flush=True)

_handle_signals()
connection = connection_of(connect(required=True))
builder = choose_builder({kind!r}, connection)
context = tiny_context(Path({base!r}), {text!r}, buildkit=builder.kind == "buildkit")
try:
    build_image(context, connection=connection, builder=builder, options=DockerOptions(output="plain", network="none"),
                fetching=Fetching(), progress=Said())
except KeyboardInterrupt as error:
    sys.exit(error.exit_code)
"""


@pytest.mark.parametrize("sent", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_an_interrupted_build_ends_soon_and_leaves_no_process_and_no_container(
    base: Path, builder: Builder, repository: Path, sent: signal.Signals
) -> None:
    word = f"word-{secrets.token_hex(6)}"
    text = BASE + f'RUN ["/bin/sh", "-c", "echo {word}; sleep 31; echo over"]\n'
    support = str(repository / "tests" / "support")
    code = INTERRUPTED.format(support=support, kind=builder.kind, base=str(base), text=text)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    for line in process.stdout:
        if word in line and "RUN" not in line:
            break
    started = time.monotonic()
    os.kill(process.pid, sent)
    process.communicate(timeout=25)
    assert time.monotonic() - started < 20
    assert process.returncode == 128 + sent
    deadline = time.monotonic() + 10
    while _still_there(word) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert _still_there(word) == []


def _still_there(word: str) -> list[str]:
    """The processes of the step that speak the word, outside of this test."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if word.encode() in line:
                found.append(line.decode(errors="replace"))
    return found
