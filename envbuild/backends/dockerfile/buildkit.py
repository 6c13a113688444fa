"""BuildKit, through the `docker` program: it alone speaks BuildKit's session protocol."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...errors import EngineError, UsageError
from ...patterns import pattern
from .choosing import Builder
from .connection import Connection
from .instructions import Instruction
from .steps import Steps

_GRACE = 10.0  # seconds for a client to give up its build
_LINE = 1 << 16  # bytes of a line that are read at once
_VERTEX = pattern(r"#(\d+) (.*)")
_NAME = pattern(r"\[(?:[a-z0-9]+/[a-z]\S* )?(?:([^\s/]\S*) +)?(\d+)/(\d+)\] (.*)")
_STAMP = pattern(r"\d+\.\d+ ")
_SEEN = pattern(r"sha256:[0-9a-f]{64}\Z|DONE |extracting |resolve ")
_GONE = pattern(
    r"(?i)cannot connect to the docker daemon|error during connect|unexpected eof|connection reset|broken pipe"
    r"|transport is closing|code = unavailable|connection refused|error reading from server"
    r"|server did not provide an image id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The ids of a finished image: of its config, and of its manifest where the client tells."""

    image_id: str
    manifest: str
    sent: int


def build_buildkit(
    chunks: Iterable[bytes],
    *,
    builder: Builder,
    connection: Connection,
    build_args: Sequence[tuple[str, str]],
    secret_args: Mapping[str, str],
    secrets: Sequence[str],
    network: str,
    platform: str,
    terminal: bool,
    steps: Steps,
    environ: Mapping[str, str] | None = None,
) -> Outcome:
    """Build the context that `chunks` are the tar of; the image gets no name.

    `secret_args` are build arguments whose values go by the client's environment, unseen in the list of processes;
    `secrets` are BuildKit's own (`id=pip,src=FILE`); `terminal` leaves the person's terminal to BuildKit's own
    display. EngineError: a step failed, or the engine refused or went away.
    """
    if terminal and not sys.stderr.isatty():
        raise UsageError("--build-progress tty needs a terminal", hint="use --build-progress plain")
    env = {
        **connection.environment(os.environ if environ is None else environ),
        **secret_args,
        "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
        "DOCKER_BUILDKIT": "1",
        "DOCKER_CLI_HINTS": "false",
    }
    for name in ("BUILDKIT_PROGRESS", "BUILDKIT_COLORS", "BUILDX_METADATA_PROVENANCE"):
        env.pop(name, None)
    with tempfile.TemporaryDirectory(prefix="envbuild-") as folder:
        iid, metadata = Path(folder, "iid"), Path(folder, "metadata.json")
        command = [
            builder.client,
            *(["buildx", "build", "--load", "--metadata-file", str(metadata)] if builder.plugin else ["build"]),
            "--progress", "tty" if terminal else "plain",
            "--iidfile", str(iid),
            *(["--network", network] if network else []),
            *(["--platform", platform] if platform else []),
            *(word for name in secret_args for word in ("--build-arg", name)),
            *(word for name, value in build_args for word in ("--build-arg", f"{name}={value}")),
            *(word for secret in secrets for word in ("--secret", secret)),
            "-",
        ]  # fmt: skip
        run = _Run(command, env, chunks, terminal=terminal)
        reader = _Reader(steps)
        code = run.follow(reader)
        if code:
            raise reader.failure(code, connection, terminal=terminal)
        return _outcome(iid, metadata, run.sent, connection, steps)


def _outcome(iid: Path, metadata: Path, sent: int, connection: Connection, steps: Steps) -> Outcome:
    identity = iid.read_text(encoding="ascii").strip() if iid.is_file() else ""
    told = {}
    with suppress(OSError, ValueError):
        told = json.loads(metadata.read_bytes())
    manifest = str(told.get("containerimage.digest") or "") if isinstance(told, dict) else ""
    if not identity:
        raise steps.broken(connection.address, "the client made no image and gave no reason")
    return Outcome(image_id=identity, manifest=manifest, sent=sent)


class _Run:
    """The client as a process: one thread feeds it the context while what it says is read here."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], chunks: Iterable[bytes], *, terminal: bool):
        self.sent = 0
        self._chunks = chunks
        self._failure: BaseException | None = None
        try:
            # A session of its own, so that all of it can be ended; a terminal speaks only to its own session.
            self._process = subprocess.Popen(
                command,
                env=env,
                stdin=subprocess.PIPE,
                stdout=sys.stderr.fileno() if terminal else subprocess.PIPE,
                stderr=None if terminal else subprocess.STDOUT,
                start_new_session=not terminal,
            )
        except OSError as error:
            raise EngineError(f"{command[0]} cannot be run: {error.strerror}") from error
        self._whole = not terminal

    def follow(self, reader: _Reader) -> int:
        """The exit code, once everything was said. Whatever interrupts this ends the client."""
        feeder = threading.Thread(target=self._feed, name="context", daemon=True)
        feeder.start()
        try:
            if self._process.stdout is not None:
                while line := self._process.stdout.readline(_LINE):
                    reader.line(line.decode("utf-8", "replace").rstrip("\r\n"))
            code = self._process.wait()
            feeder.join()
            if self._failure is not None:
                raise self._failure
            return code
        finally:
            self._end()

    def _feed(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        try:
            for chunk in self._chunks:
                pipe.write(chunk)
                self.sent += len(chunk)
        except OSError as error:
            # A client that ended early says why itself; any other trouble is the context's own.
            if not isinstance(error, BrokenPipeError):
                self._fail(error)
        except BaseException as error:
            self._fail(error)
        finally:
            with suppress(OSError):
                pipe.close()

    def _fail(self, error: BaseException) -> None:
        """Half a context must not be built: the client goes before its input ends."""
        self._failure = error
        self._signal(signal.SIGKILL)

    def _end(self) -> None:
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            try:
                self._process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            if self._whole:
                os.killpg(self._process.pid, number)
            else:
                self._process.send_signal(number)


class _Reader:
    """Reads the lines of `--progress plain`."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._places = {(i.stage, i.number): i for i in steps.instructions if i.number}
        # A Dockerfile's only stage is not named.
        self._only = steps.instructions[-1].stage if steps.instructions else ""
        self._titled: frozenset[str] = frozenset()
        self._failed = ""
        self._reason = ""
        self._closing: list[str] = []
        self._listed = False

    def line(self, line: str) -> None:
        """One line, without its end."""
        match = _VERTEX.match(line)
        if match is None:
            self._other(line)
            return
        key, text = match[1], match[2]
        titled, self._titled = key in self._titled, self._titled | {key}
        if name := _NAME.match(text):
            self._steps.begin(key, name[4], self._instruction(name[1] or self._only, int(name[2]), name[4]))
        elif text == "CACHED":
            self._steps.cached(key)
        elif text.startswith("ERROR"):
            self._failed, self._reason = key, text.partition(":")[2].strip()
        elif titled and not _SEEN.match(text):  # what comes first is a step's title
            stamp = _STAMP.match(text)
            self._steps.said(text[stamp.end() :] if stamp else text, key)

    def failure(self, code: int, connection: Connection, *, terminal: bool) -> EngineError:
        """Why the client ended with `code`."""
        closing = [line for line in self._closing if line.strip()]
        last = closing[-1].removeprefix("ERROR: ") if closing else ""
        if terminal:
            return self._steps.failure(f"docker ended with exit code {code}; what it shows above says why")
        if self._failed and not _GONE.search(self._reason):
            return self._steps.failure(self._reason, self._failed)
        if _GONE.search(last) or _GONE.search(self._reason):
            return self._steps.broken(connection.address, last or self._reason)
        if not last and code < 0:
            return self._steps.broken(connection.address, f"the docker client was ended by signal {-code}")
        return self._steps.failure(last or f"docker ended with exit code {code}")

    def _other(self, line: str) -> None:
        """A line outside of any step: warnings, and in the end what failed."""
        if line.startswith("------"):
            # Between two of these the client says the failed step's output again.
            self._listed = not self._listed
            return
        if not self._listed:
            self._closing = [*self._closing, line][-40:]
            self._steps.said(line)

    def _instruction(self, stage: str, number: int, text: str) -> Instruction | None:
        found = self._places.get((stage.lower(), number))
        return found if found is not None and found.keyword == text.partition(" ")[0].upper() else None
