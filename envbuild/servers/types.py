"""What a serving profile is: data, read by every later room."""

from __future__ import annotations

from ..records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPackage:
    """A package that the server needs.

    `listed` means that the model itself must list it; `code` is the rule that says so. A package that is not
    `listed` is brought by the profile: always, or where the scoring script imports one of the modules `when`.
    """

    name: str
    requirement: str
    why: str
    listed: bool = False
    code: str = ""
    when: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeFile:
    """A file of `envbuild/runtime` and where it lies in the image; `{site}` stands for site-packages."""

    source: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A serving profile. Routes are HTTP paths; `command` is the entrypoint, run without a shell.

    `constraints` are soft: they are left out when nothing satisfies them. `modules` are the import roots of start-up.
    `optional` are packages that only some scripts need; `for_script` puts those of a script among the `packages`.
    `shims` are modules of other packages that the server's own files stand in for where those are not installed.
    `ladder` tells that the server's package is azureml-inference-server-http, of which the best version that goes with
    the model is looked for (`facts/server_ladder.json`). `takes_script` tells whether a scoring script can stand in for
    the model.

    A server that is another one with older versions of mlflow has them as `editions`, the newest first. Each
    serves mlflow from `since` (`2.21`) on, up to the one before it; `edition` says what it is, `why_edition`
    why. `whole_mlflow` tells that mlflow-skinny is not enough for it.
    """

    name: str
    title: str
    packages: tuple[ServerPackage, ...]
    constraints: tuple[str, ...]
    files: tuple[RuntimeFile, ...]
    command: tuple[str, ...]
    port: int
    liveness: str
    readiness: str
    scoring: str
    environment: tuple[tuple[str, str], ...]
    app_root: str
    entry_script: str
    modules: tuple[str, ...]
    optional: tuple[ServerPackage, ...] = ()
    shims: tuple[str, ...] = ()
    ladder: bool = False
    takes_script: bool = True
    editions: tuple[Server, ...] = ()
    since: str = ""
    edition: str = ""
    why_edition: str = ""
    whole_mlflow: bool = False
