"""uv as a subprocess: requirements in, the text of a pylock.toml out.

uv gets a clean environment: its settings come from here, from the person's index variables and from nothing
else, so no configuration file can change what is chosen. `--offline` is never added: uv's own cache could
answer with versions of the day before. What needs no network is a cached lock, which needs no uv either.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import ResolveError
from ..oci.disk import storage_errors
from .indexes import SETTINGS, for_messages, without_credentials
from .named import check_variables
from .target import Platform
from .torch import PROJECT, TorchBuilds

# Beside the settings of `indexes`: how to reach an index, and as whom.
_PASSED = frozenset(
    {
        "ALL_PROXY", "HOME", "HTTPS_PROXY", "HTTP_PROXY", "LANG", "NETRC", "NO_PROXY", "PATH",
        # uv asks this Python what it is, and some Pythons start only with these.
        "DYLD_LIBRARY_PATH", "LD_LIBRARY_PATH",
        "SSL_CERT_DIR", "SSL_CERT_FILE", "SSL_CLIENT_CERT", "TMPDIR", "UV_CONCURRENT_DOWNLOADS",
        "UV_HTTP_CONNECT_TIMEOUT", "UV_HTTP_RETRIES", "UV_HTTP_TIMEOUT", "UV_INSECURE_HOST",
        "UV_KEYRING_PROVIDER", "UV_NATIVE_TLS", "UV_OFFLINE", "UV_REQUEST_TIMEOUT",
        "UV_SYSTEM_CERTS", "all_proxy", "http_proxy", "https_proxy", "no_proxy",
    }
)  # fmt: skip
_OPTIONS = ("--no-header", "--no-progress", "--color", "never")
_WHEELS = ("--only-binary", ":all:")
_LOCK = ("--format", "pylock.toml")
_WHY = ("--format", "requirements.txt", "--annotation-style", "line")
_LINKS = "UV_FIND_LINKS"
_TICK = 0.2  # seconds between two looks at whether the answer is still wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What uv said: the lock's text, or the explanation of why there is none, both without credentials."""

    lock: str = ""
    explanation: str = ""
    code: int = 0

    @property
    def solved(self) -> bool:
        """Whether there is a lock."""
        return self.code == 0


def compile_lock(
    requirements: Sequence[str],
    constraints: Sequence[str],
    platform: Platform,
    *,
    cache: Path,
    refresh: bool = False,
    dependencies: bool = True,
    exempt: Sequence[str] = (),
    preferred: Mapping[str, str] | None = None,
    builds: TorchBuilds | None = None,
    from_builds: Collection[str] = (),
    why: bool = False,
    provided: Sequence[tuple[str, str]] = (),
    built: Path | None = None,
    from_source: str = "",
    environ: Mapping[str, str] | None = None,
    tick: Callable[[], object] = lambda: None,
) -> Answer:
    """Resolve for `platform`. `cache` is uv's own folder; `refresh` asks the index for everything again.

    Without `dependencies` nothing is looked for but what is listed. UV_EXCLUDE_NEWER does not hold for the packages
    `exempt`. `preferred` are versions by name that are kept wherever they satisfy what is asked for. `builds` says
    which builds of torch are wanted; where they have an index of their own, `from_builds` names the packages, also
    asked for, that come from it. With `why` the answer has a line for each package instead:
    `name==1.0  # via who, wants, it`.

    `provided` are packages, by name and version, that are there already: they are chosen as they are, whatever they
    need is there too, and the lock has a path for each.

    `built` is a folder with further wheels. With `from_source` only the source of that package is looked for: without
    `dependencies`, since uv would run its code to learn them.

    `tick` is called while uv is at work; if it raises, uv is ended.

    Raises ResolveError where there is no uv, StorageError where its cache cannot be written, UsageError for a variable
    that names no place of packages.
    """
    import subprocess

    from .pylock import NOTHING, select

    check_variables(os.environ if environ is None else environ)
    for line in (*requirements, *constraints, *(part for package in provided for part in package)):
        if re.search(r"[\r\n\f\v\x00\x85\u2028\u2029]", line):
            # A second line would be an option of uv's.
            raise ResolveError(
                f"{for_messages(line)[:80]!r} holds several lines, and is no requirement",
                hint="write one requirement a line",
            )
    with storage_errors(cache):
        cache.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(prefix="envbuild-")
    with folder as name:
        asked, bound, earlier = (Path(name, each) for each in ("requirements.in", "constraints.in", "pylock.toml"))
        with storage_errors(asked):
            asked.write_text("".join(f"{line}\n" for line in requirements), encoding="utf-8")
            stubs = [stub(Path(name), *package) for package in provided]
            bound.write_text("".join(f"{line}\n" for line in (*constraints, *stubs)), encoding="utf-8")
            if preferred:
                earlier.write_text(_earlier(preferred), encoding="utf-8")
            project = Path(name, "pyproject.toml")
            mirrored = builds is not None and bool(builds.index)
            if builds is not None and mirrored and from_builds:
                project.write_text(builds.project(from_builds), encoding="utf-8")
        command = [
            find_uv(), "pip", "compile", str(asked), *_OPTIONS, *(_WHY if why else _LOCK),
            *(("--no-binary", from_source, "--no-deps") if from_source else _WHEELS),
            *([str(project)] if mirrored and from_builds else []),
            *(["--torch-backend", builds.backend] if builds is not None and not mirrored else []),
            *(["--constraints", str(bound)] if constraints or provided else []),
            "--python-version", platform.python, "--python-platform", platform.uv_name,
            *(["--python", sys.executable] if sys.executable else []),
            *(["--refresh"] if refresh else []),
            *([] if dependencies or from_source else ["--no-deps"]),
            *(f"--exclude-newer-package={package}=false" for package in exempt),
            # uv keeps the versions of the file that it writes to.
            *(["--output-file", str(earlier)] if preferred and not why else []),
        ]  # fmt: skip
        variables = clean_environment(os.environ if environ is None else environ, cache)
        if built is not None:
            variables[_LINKS] = ",".join(filter(None, (variables.get(_LINKS), built.as_uri())))
        if builds is not None and mirrored:
            variables.pop("UV_TORCH_BACKEND", None)
            variables.update(builds.login())
        with subprocess.Popen(
            command,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        ) as process:
            try:
                # What reads the answer takes a while to load: it is, while uv is at work.
                select(NOTHING, platform)
                while True:
                    with suppress(subprocess.TimeoutExpired):
                        lock, said = process.communicate(timeout=_TICK)
                        break
                    tick()
            except BaseException:
                process.kill()
                raise
        said = for_messages(said).replace(f"file://{name}{os.sep}", "").replace(f"{name}{os.sep}", "")
        said = said.replace(f"{PROJECT} depends on", "you require")
    return Answer(lock=without_credentials(lock), explanation=said.strip(), code=process.returncode)


def _earlier(preferred: Mapping[str, str]) -> str:
    """As much of a pylock.toml as uv reads of one that is there already."""
    rows = [f'[[packages]]\nname = "{name}"\nversion = "{version}"\n' for name, version in sorted(preferred.items())]
    return 'lock-version = "1.0"\ncreated-by = "envbuild"\n' + "".join(rows)


def stub(folder: Path, name: str, version: str) -> str:
    """A constraint that has uv take the package for what it is, by a wheel in `folder` that holds no more than that."""
    import zipfile

    stem = name.replace("-", "_")
    info = f"{stem}-{version}.dist-info"
    path = folder / f"{stem}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return f"{name} @ {path.as_uri()}"


def find_uv() -> str:
    """The path of the uv that is installed with envbuild."""
    import uv

    try:
        return os.fsdecode(uv.find_uv_bin())
    except FileNotFoundError:
        raise ResolveError(
            "uv, which resolves the packages, is not where its package was installed",
            hint="install envbuild anew, or run `pip install --force-reinstall uv`",
        ) from None


def clean_environment(environ: Mapping[str, str], cache: Path) -> dict[str, str]:
    """What uv sees of `environ`.

    With a keyring provider the rest goes along, as the provider's own settings are its own business; what
    would change uv or Python stays out in any case.
    """
    keyring = environ.get("UV_KEYRING_PROVIDER", "disabled") != "disabled"
    passed = {
        name: value
        for name, value in environ.items()
        if name in _PASSED
        or name in SETTINGS
        or (name.startswith("UV_INDEX_") and name.endswith(("_USERNAME", "_PASSWORD")))
        or (keyring and not name.startswith(("UV_", "PYTHON", "VIRTUAL_ENV", "CONDA_")))
    }
    return {
        "UV_HTTP_RETRIES": "2",
        **passed,
        "UV_CACHE_DIR": str(cache),
        "UV_NO_CONFIG": "1",
        "UV_NO_PROGRESS": "1",
        "UV_PYTHON_DOWNLOADS": "never",
    }
