"""Which builds of torch are asked for: for the CPU, or for one version of CUDA.

uv knows where PyTorch has its builds (`--torch-backend`). Where a company has them on a mirror, ENVBUILD_PYTORCH_INDEX
names it: below it lie `cpu`, `cu121` and so on, each a package index. That index is asked for the packages of torch
alone, for such mirrors have others too, and the first index that has a package is the one that it is taken from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ..errors import ResolveError, UsageError
from ..options import ACCELERATORS, PYTORCH_INDEX
from ..records import dataclass
from .indexes import to_keep, without_credentials
from .named import ENCODE, is_address, shown

if TYPE_CHECKING:
    from .requirements import Ask
    from .types import LockedPackage
    from .uv import Answer

# The packages of which there is a build for each accelerator.
PACKAGES = frozenset({"pytorch-triton", "torch", "torchaudio", "torchtext", "torchvision"})
PROJECT = "torch-builds"  # what uv calls the file that names the index
NVIDIA = "nvidia-"
ACCELERATOR = "accelerator"
"""The setting that says which builds are asked for."""
_INDEX = "envbuild-pytorch"
_VIA = re.compile(r"^([\w.-]+)==(\S+)\s+# via (.+)$", re.MULTILINE)
_LOCKED = re.compile(r'^(?:name = ")?([\w.-]+)(?="$|==)', re.MULTILINE)
_LABELLED = re.compile(
    r"(?P<head>[\w.-]+(?:\[[^\]]*\])?\s*={2,3}\s*)(?P<version>[0-9][^+,;\s]*)"
    r"\+(?P<label>cpu|cu\d{2,}|rocm[\d.]+|xpu)\s*(?:;.*)?"
)
_ADDRESS = re.compile(r"\w+://\S+")
_WORD = re.compile(r"(?<![\w.-])[a-z][a-z-]*(?![\w-])")
# Packages whose usual wheels ask for NVIDIA's libraries, and what does without.
_INSTEAD = {
    "torch": "take torch from where it has builds for the CPU: list it by version, neither by a link nor from "
    f"UV_INDEX or UV_FIND_LINKS; a mirror of PyTorch's own index is named by {PYTORCH_INDEX}",
    "xgboost": "list xgboost-cpu of the same version in its place, if there is one",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchBuilds:
    """The builds that uv calls `backend` (`cpu`, `cu121`). `index` is the mirror's address, empty for uv's own."""

    backend: str
    index: str = ""

    def project(self, packages: Collection[str]) -> str:
        """A pyproject.toml that asks for `packages`, from `index` alone. No credentials are in it."""
        names = sorted(packages)
        sources = "".join(f"{name} = {{ index = {json.dumps(_INDEX)} }}\n" for name in names)
        return (
            f'[project]\nname = "{PROJECT}"\nversion = "0"\ndependencies = {json.dumps(names)}\n\n'
            f"[tool.uv.sources]\n{sources}\n"
            f'[[tool.uv.index]]\nname = "{_INDEX}"\nurl = {json.dumps(without_credentials(self.index))}\n'
            "explicit = true\n"
        )

    def login(self) -> dict[str, str]:
        """The variables of uv with the user and the password of `index`, as far as it names them."""
        parts = urlsplit(self.index)
        name = "UV_INDEX_" + _INDEX.upper().replace("-", "_")
        values = {f"{name}_USERNAME": unquote(parts.username or ""), f"{name}_PASSWORD": unquote(parts.password or "")}
        return {variable: value for variable, value in values.items() if value}


def label_of(accelerator: str) -> str:
    """The label of the versions that are built for it, as uv calls it too: `cpu`, `cu121`."""
    return accelerator.replace("cuda", "cu")


def check_labels(asks: Collection[Ask], accelerator: str) -> None:
    """Raise ResolveError for a version of torch whose label says that it is built for something else."""
    for ask in asks:
        found = _LABELLED.fullmatch(ask.text) if accelerator and ask.name in PACKAGES else None
        if found is None or found["label"] == label_of(accelerator):
            continue
        other = found["label"].replace("cu", "cuda")
        plain = f"{found['head']}{found['version']}"
        raise ResolveError(
            f"{ask.where}: {plain}+{found['label']} is {_built_for(found['label'])}, and --accelerator says "
            f"{accelerator}",
            hint=f"write {plain}" + (f", or give --accelerator {other}" if other in ACCELERATORS else ""),
            blamed=(ask.name,),
        )


def _built_for(label: str) -> str:
    version = label.removeprefix("cu")
    return f"built for CUDA {version[:-1]}.{version[-1]}" if version.isdecimal() else f"a build for {label}"


def torch_builds(accelerator: str, environ: Mapping[str, str]) -> TorchBuilds | None:
    """The builds for `accelerator` (`cpu`, `cuda121`), or for uv's own UV_TORCH_BACKEND; None where nothing is asked.

    Raises UsageError for an accelerator that there is not, and for a mirror that is no address.
    """
    if accelerator and accelerator not in ACCELERATORS:
        raise UsageError(
            f"--accelerator {accelerator}: there is no such one", hint=f"take one of {', '.join(ACCELERATORS)}"
        )
    backend = label_of(accelerator) or environ.get("UV_TORCH_BACKEND", "")
    if not backend:
        return None
    mirror = environ.get(PYTORCH_INDEX, "").rstrip("/")
    # What uv is to find out by itself, it finds where it knows the addresses.
    if not mirror or backend == "auto":
        return TorchBuilds(backend=backend)
    if not is_address(mirror):
        raise UsageError(
            f"{PYTORCH_INDEX} is {shown(mirror)}, which is no address of an index",
            hint=f"name what the builds lie below: {PYTORCH_INDEX}=https://mirror.example/whl for "
            f"https://mirror.example/whl/{backend}/torch/; {ENCODE}",
        )
    return TorchBuilds(backend=backend, index=f"{mirror}/{backend}")


def builds_of(
    packages: Collection[LockedPackage], environ: Mapping[str, str]
) -> tuple[TorchBuilds | None, tuple[str, ...]]:
    """The builds that the versions of `packages` name (`2.1.0+cu121`), and whose they are; UV_TORCH_BACKEND's else."""
    labels = {p.name: p.version.partition("+")[2] for p in packages if p.name in PACKAGES and "+" in p.version}
    found = {label.replace("cu", "cuda") for label in labels.values()} & set(ACCELERATORS)
    return torch_builds(found.pop() if len(found) == 1 else "", environ), tuple(sorted(labels))


def settings_of(settings: Mapping[str, str], accelerator: str, builds: TorchBuilds | None) -> dict[str, str]:
    """`settings`, part of a lock's key, with what decides on the builds of torch; without credentials."""
    if builds is None:
        return dict(settings)
    found = {name: value for name, value in settings.items() if name != "UV_TORCH_BACKEND" or not accelerator}
    return {
        **found,
        **({ACCELERATOR: accelerator} if accelerator else {}),
        **({PYTORCH_INDEX: to_keep(builds.index)} if builds.index else {}),
    }


def with_builds(ask: Callable[[Collection[str]], Answer], asked: Collection[str]) -> Answer:
    """What `ask` answers when those packages of torch come from the mirror that the resolution needs.

    uv takes a package from a named index only where that package is asked for by name. So what turns up is asked for
    by name in the next round: `asked` are the names of the requirements, and nobody gets a torch who needs none.
    """
    names = PACKAGES & set(asked)
    while True:
        answer = ask(names)
        more = (_locked_in(answer.lock) if answer.solved else _named_in(answer.explanation)) - names
        if not more:
            return answer
        names |= more


def _locked_in(lock: str) -> frozenset[str]:
    """Which packages of torch a lock has, or uv's lines of who wanted what. Addresses tell nothing."""
    return PACKAGES & set(_LOCKED.findall(lock))


def _named_in(explanation: str) -> frozenset[str]:
    """Which packages of torch an explanation names, addresses aside."""
    return PACKAGES & set(_WORD.findall(_ADDRESS.sub("", explanation)))


def refuse_nvidia(found: Collection[LockedPackage], answer: Callable[[], Answer], asks: Collection[Ask]) -> None:
    """Raise ResolveError for NVIDIA's packages among those that were `found` for the CPU, naming who asks for them.

    `answer` gives uv's lines of the same resolution, with who wanted what.
    """
    names = sorted(package.name for package in found if package.name.startswith(NVIDIA))
    if not names:
        return
    rows = _VIA.findall(answer().lock)
    versions = {name: version for name, version, _ in rows}
    wanted = {one for name, _, via in rows if name in names for one in re.split(r",\s*", via)}
    owners = sorted(one for one in wanted if one in versions and not one.startswith(NVIDIA))
    places = {ask.name: ask.where for ask in asks}
    listed = sorted(name for name in names if name in places)
    said = [f"{one} {versions[one]}" + (f" ({places[one]})" if one in places else "") for one in owners]
    said += [f"{places[name]}, which lists {name}" for name in listed]
    shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    ways = [_INSTEAD.get(one, f"take a version or a build of {one} without them") for one in owners]
    ways += ["take the lines with nvidia packages out of the requirements"] if listed else []
    raise ResolveError(
        f"--accelerator cpu allows no packages for NVIDIA GPUs, and there are {len(names)}: {shown}"
        + (f"\nasked for by {'; '.join(said)}" if said else ""),
        hint="; ".join([*ways, "or choose the CUDA that they are for, such as --accelerator cuda121"]),
        blamed=tuple(owners) or tuple(listed),
    )
