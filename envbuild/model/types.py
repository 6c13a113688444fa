"""What an MLflow model folder says, with the place of every saying."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ..records import dataclass
from .markers import may_hold
from .python_range import only_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A place in a text file. `file` is relative to the model folder; lines and columns count from 1.

    `end_column` is exclusive and on the same line.
    """

    file: str
    line: int = 1
    column: int = 1
    end_column: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something in a file that the reader could not take. The rule with the same code turns it into a finding."""

    code: str
    message: str
    help: str = ""
    span: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One requirement line that parses (PEP 508), as written and in its parts.

    `name` is canonical (PEP 503); `specifier` is empty where any version will do.
    """

    text: str
    name: str
    specifier: str
    extras: tuple[str, ...]
    marker: str
    url: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaDependency:
    """A conda match spec of conda.yaml, other than python itself."""

    text: str
    name: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a requirements file that is no requirement: an option, a path, an editable."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonPin:
    """The Python version that a file asks for: its scalar text, e.g. `3.11.7`, `3.11` or `>=3.9`.

    `channel` and `build` are what a conda match spec says besides, for whoever takes Python from a channel.
    """

    text: str
    span: Span
    channel: str = ""
    build: str = ""

    @property
    def minor(self) -> str:
        """`3.11` of `3.11.7`, `3.11` or `>=3.11,<3.12`; empty where the pin allows no single minor version."""
        return only_minor(self.text)

    @property
    def exact(self) -> str:
        """The plain version that the pin names, `3.11.7` or `3.11`; empty for a range or a wildcard."""
        plain = self.text.strip().lstrip("=").strip()
        return plain if all(part.isdecimal() for part in plain.split(".")) else ""


EnvironmentSource = Literal["conda.yaml", "python_env.yaml", "requirements.txt", "given", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The requirements that count: of one file and those that it names; the others are never merged in.

    `source` says which kind of file that is, `files` names every file read for it, relative to the model folder.
    `channels` are those of conda.yaml, as written and in their order.
    """

    source: EnvironmentSource
    files: tuple[str, ...] = ()
    python: PythonPin | None = None
    pip: tuple[Requirement, ...] = ()
    constraints: tuple[Requirement, ...] = ()
    conda: tuple[CondaDependency, ...] = ()
    channels: tuple[Line, ...] = ()
    lines: tuple[Line, ...] = ()

    def lists(self, name: str, *, python: str = "", platform: str = "linux/amd64") -> bool:
        """Whether `name` (canonical) is listed by name among the pip requirements of an image.

        A line whose marker can hold in no image of that Python (`3.11`; by default the one told here) and platform does
        not count.
        """
        python = python or (self.python.minor if self.python else "")
        return any(may_hold(r.marker, python, platform) for r in self.pip if r.name == name)


class Field(NamedTuple):
    """One input, output or parameter of the signature.

    `type` is MLflow's name (`double`, `tensor`, `array`...); `dtype` and `shape` are a tensor's, -1 a free
    dimension; `spec` is the JSON object as written. A tuple, since a signature may have 100,000 of them.
    """

    name: str
    type: str
    spec: Mapping[str, Any]
    required: bool = True
    dtype: str = ""
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The fields of `signature` in MLmodel."""

    inputs: tuple[Field, ...] = ()
    outputs: tuple[Field, ...] = ()
    params: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InputExample:
    """`saved_input_example_info`: paths relative to the model folder, `serving_path` empty before MLflow 2.15."""

    path: str
    kind: str
    orient: str
    serving_path: str
    has_params: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MLmodel:
    """The root MLmodel file. `raw` is the whole document, `spans` the place of each dotted key."""

    flavors: Mapping[str, Mapping[str, Any]]
    loader_module: str
    python_version: str
    mlflow_version: str
    run_id: str
    model_id: str
    model_uuid: str
    signature: Signature | None
    input_example: InputExample | None
    raw: Mapping[str, Any]
    spans: Mapping[str, Span]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """A regular file of the model that goes into the image. `path` is POSIX, relative to the folder."""

    path: str
    size: int
    executable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A file or folder that stays out of the image, and why."""

    path: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pickle:
    """What one pickle says of itself, read from its opcodes: nothing is unpickled.

    `file` is the model's file that holds it, `member` its name inside an archive. `protocol` is the highest that it
    names. `globals` are the names that it imports (`numpy._core.multiarray._reconstruct`), `modules` their modules and
    those that a function inside imports. `versions` are what libraries wrote down of themselves, by distribution
    (`scikit-learn`: `1.1.2`). `code` tells that it holds code objects, which only one minor version of Python runs.
    `complete` is False where reading stopped early: at a limit, or at what no pickle says.
    """

    file: str
    member: str = ""
    protocol: int = 0
    globals: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()
    versions: Mapping[str, str] = field(default_factory=dict)
    code: bool = False
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model folder as read. `mlmodel` is None where it is missing or unreadable; `problems` say why.

    `others` are the environment files that do not count, each read by itself: rules compare them, nothing is resolved
    from them. `uri` is empty for a local folder; else the address that it was downloaded from. `texts` holds MLmodel
    and the environment files exactly as read, by the name that their spans use: for frames, fixes and to see changes.
    `platform` is that of the image which the model is looked at for.
    """

    root: Path
    uri: str
    mlmodel: MLmodel | None
    environment: Environment
    files: tuple[ModelFile, ...]
    left_out: tuple[LeftOut, ...]
    problems: tuple[Problem, ...]
    others: tuple[Environment, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    platform: str = "linux/amd64"

    @property
    def python(self) -> str:
        """The minor version of Python (`3.11`) that the files tell, those of the environment first; else empty."""
        from .python import python_wanted

        return python_wanted(self).minor

    def may_hold(self, requirement: Requirement) -> bool:
        """Whether the marker of a requirement may hold in an image of that Python and platform."""
        return may_hold(requirement.marker, self.python, self.platform)

    def lists(self, name: str) -> bool:
        """Whether `name` (canonical) is among the pip requirements of an image of that Python and platform."""
        return self.environment.lists(name, python=self.python, platform=self.platform)
