"""uv's explanation of a failure, sorted into the error tree, with the lines that asked for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import EnvbuildError, IntegrityError, ModelError, NetworkError, ResolveError, StorageError
from ..options import PYTORCH_INDEX
from .badindex import builds_address, is_of_network, network_error, no_wheel
from .requirements import Ask, Inputs
from .target import Platform, platform_with_wheels
from .uv import Answer

if TYPE_CHECKING:
    from .torch import TorchBuilds

_DISK_FULL = re.compile(r"os error 28\b|os error 122\b")
_DENIED = re.compile(r"(Permission denied|Read-only file system) \(os error (13|30)\)")
_SOURCE_ONLY = re.compile(r"Wheels are required for `([^`]+)`|[Bb]uilding source distributions for `([^`]+)`")
_UNUSABLE = re.compile(r"Because (?:all versions of )?([A-Za-z0-9][\w.-]*)[^\s]* has no usable wheels")
_NO_WHEEL = re.compile(r"([A-Za-z0-9][\w.-]*)[^\s]* ha(?:s|ve) no usable wheels")
_TAGS = re.compile(r"([A-Za-z0-9][\w.-]*)[^\s]* has no wheels with a matching ([\w ]+?) tag")
_UNDATED = re.compile(r"is missing an upload date")
_AGED = re.compile(r"`([A-Za-z0-9][\w.-]*)` was filtered by `exclude-newer`")
_PYTHON = re.compile(r"requires Python ?[<>=!~]")
_UNKNOWN = re.compile(r"([A-Za-z0-9][\w.-]*) was not found in the (?:package registry|provided package locations)")
_VERSION = re.compile(
    r"(?:there is no version of|only the following versions of|only(?! the following)) "
    r"([A-Za-z0-9][\w.-]*)(?=[<>=!~ ,])"
)
_DEPENDS = re.compile(r"\bdepends? on\b")
_YANKED = re.compile(r"([A-Za-z0-9][\w.-]*)\S*==(\S+) was yanked")
_SAME = re.compile(r"Requirements contain conflicting URLs for package `([^`]+)`")
_UNREAD = re.compile(r"Failed to read `([A-Za-z0-9][\w.-]*)[^@`]* @ ([^`]+)`")
# Options of uv's own, which it advises, and what there is in their places.
_ADVICE = (
    (re.compile(r" By default, uv will only consider [^\n]*"), ""),
    (re.compile(r"`--prerelease"), "`UV_PRERELEASE"),
)
_SKINNY = re.compile(
    r"(there (is|are) no versions? of mlflow-skinny|only mlflow-skinny\S* (is|are) available|"
    r"mlflow-skinny\S* (was not found|has no (usable )?wheels))"
)


def error_of(
    answer: Answer, inputs: Inputs, platform: Platform, *, known: str = "", builds: TorchBuilds | None = None
) -> EnvbuildError:
    """The error that says what `answer` means for the person.

    `known` is a reason that the pins show already, `builds` are those that were asked for of torch.
    """
    said = re.sub(r"^(warning: .*\n)*error: ", "", answer.explanation)
    for advice, ours in _ADVICE:
        said = re.sub(advice, ours, said)
    shown = _indented(said)
    if _DISK_FULL.search(said):
        return StorageError(
            f"the disk filled up while packages were resolved:\n{shown}",
            hint="free some space (`envbuild cache prune` removes what was not used lately), "
            "or choose another folder for the cache",
        )
    if _DENIED.search(said):
        return StorageError(
            f"the cache cannot be written:\n{shown}", hint="choose a folder for the cache that you may write to"
        )
    if re.search(r"[Hh]ash mismatch", said):
        return IntegrityError(
            f"the package index gave bytes that do not have the hash it names:\n{shown}",
            hint="try again later, or ask who runs the index",
        )
    if is_of_network(said):
        return network_error(said, shown, builds)
    listed = _of_files(said, inputs.asks) or no_wheel(said, shown + _asked_by(said, inputs.asks))
    if listed is not None:
        return listed
    return ResolveError(
        f"no set of packages satisfies the requirements on Python {platform.python}:\n{shown}"
        + _asked_by(said, inputs.asks),
        hint=f"{known}: loosen that pin"
        if known
        else _undated(answer.explanation) or _of_torch(said, builds) or _hint(said, inputs, platform),
        explanation=said,
        python=platform.python,
        platform=platform.tag,
        blamed=tuple(dict.fromkeys(ask.name for ask in _named(said, inputs.asks))),
    )


def misses_skinny(answer: Answer) -> bool:
    """Whether the index lacks the mlflow-skinny that was asked for."""
    return not answer.solved and _SKINNY.search(answer.explanation) is not None


def is_conflict(answer: Answer) -> bool:
    """Whether other requirements could help: uv found no solution, and it was not for want of an index."""
    return "No solution found" in answer.explanation and not is_of_network(answer.explanation)


def blockers(answer: Answer, constraint: str, asks: Sequence[Ask]) -> str:
    """Who is in the way of `constraint`: what was asked for that the explanation names, or its first sentence."""
    name = re.split(r"[^\w.-]", constraint, maxsplit=1)[0]
    named = [f"{ask.text} ({ask.where})" for ask in _named(answer.explanation, asks) if ask.text != name]
    if named:
        return ", ".join(named)
    sentence = " ".join(answer.explanation.split()).partition("cause: ")[2]
    return sentence.partition(", we can conclude")[0].removeprefix("Because ") or "what else was asked for"


def _undated(warned: str) -> str:
    """What to do where the index names no time for files; uv only warns of it, and takes none of them."""
    if not _UNDATED.search(warned):
        return ""
    return (
        "the index does not say when its files were published, and without that no day can be gone back to: leave "
        "--as-of (UV_EXCLUDE_NEWER) out, or use an index that says it"
    )


def _hint(said: str, inputs: Inputs, platform: Platform) -> str:
    source = _source_alone(said, inputs.asks)
    if source:
        allow = " ".join(f"--allow-build {name}" for name in source)
        return (
            f"{' and '.join(source)} is there as source alone, which runs its own code when it is built: "
            f"{allow} does that, in a sandbox without network and credentials; or choose a version that has a wheel, "
            f"or name a folder with one that you built (`pip wheel --no-deps {source[0]}`) with --find-links"
        )
    if aged := _AGED.search(said):
        return f"{aged[1]} had no such version on that day: choose a later one, or loosen the pin"
    if tags := _TAGS.search(said):
        return (
            f"{tags[1]} has no wheel for {platform.tag} and Python {platform.minor}: choose another version of it, "
            f"or leave it out if it belongs to another system; {_elsewhere(tags[1], said, platform)}"
        )
    if "Couldn't parse" in said:
        return "mend the requirement; `envbuild lint` shows its place"
    if unknown := _UNKNOWN.findall(said):
        return (
            f"check the spelling of {' and '.join(sorted(set(unknown)))}; a package of a private index needs that "
            "index in UV_INDEX or UV_DEFAULT_INDEX"
        )
    if _PYTHON.search(said):
        return f"Python {platform.minor} is that of the base: choose other versions, or --python X.Y or --base"
    if (yanked := _YANKED.search(said)) and not _DEPENDS.search(said):
        return (
            f"{yanked[1]} {yanked[2]} was yanked, which is its publisher's word against it: choose another version, or "
            f"write {yanked[1]}=={yanked[2]} to have it all the same"
        )
    if (version := _VERSION.search(said)) and not _DEPENDS.search(said):
        return f"choose a version of {version[1]} that the index has"
    if any(ask.name == "mlflow" for ask in inputs.asks):
        return "loosen one of the pins; mlflow-skinny with the flavor's packages asks for less than mlflow"
    return "loosen one of the pins named above"


def _of_torch(said: str, builds: TorchBuilds | None) -> str:
    """What to do where the index of those builds lacks a package of torch; it alone is asked for them."""
    if builds is None or _DEPENDS.search(said):
        return ""
    from .torch import PACKAGES

    lacking = [name for name in (*_UNKNOWN.findall(said), *_VERSION.findall(said)) if name in PACKAGES]
    if not lacking:
        return ""
    return (
        f"{lacking[0]} is looked for among the builds for {builds.backend} alone, at {builds_address(builds)}: choose "
        f"another version or another --accelerator; {PYTORCH_INDEX} names a mirror of PyTorch's index, with its login "
        "in the address"
    )


def _of_files(said: str, asks: Sequence[Ask]) -> EnvbuildError | None:
    """The error of files that requirements name: two of one package, or one that is damaged."""
    if same := _SAME.search(said):
        rows = sorted({f"\n  {ask.where}: {ask.kept}" for ask in asks if ask.name == same[1] and "@" in ask.text})
        if len(rows) > 1:
            return ResolveError(
                f"{len(rows)} lines name a file of {same[1]} each, and one can be laid down:{''.join(rows)}",
                hint="leave one of them, and take the others out",
                blamed=(same[1],),
            )
    if (unread := _UNREAD.search(said)) is None:
        return None
    why = re.sub(r"^cause: ", "", said.splitlines()[-1].strip())
    for ask in asks:
        if ask.wheel is not None and ask.name == unread[1]:
            return ModelError(
                f"{ask.where}: {ask.wheel.path} is damaged, or is no wheel: {why}",
                hint="put the wheel into the model's folder again, or log the model anew",
            )
    if not unread[2].startswith(("http://", "https://")):
        return None
    return NetworkError(
        f"what {unread[2]} gave is damaged, or is no wheel: {why}" + _asked_by(said, asks),
        hint="look at the address in a browser; try again later, or name a wheel from an index",
    )


def without_wheels(answer: Answer) -> list[str]:
    """The packages (canonical names) that uv found no wheel of that fits, though there may be source."""
    said = answer.explanation
    names = {one or two for one, two in _SOURCE_ONLY.findall(said)}
    names |= set(_NO_WHEEL.findall(said)) | {name for name, _ in _TAGS.findall(said)}
    return sorted(re.sub(r"[-_.]+", "-", name).lower() for name in names)


def bounds_of(name: str, answer: Answer) -> list[str]:
    """What others are said to ask of the package `name`: `name==1.0`, `name>=2,<3`."""
    asked = rf"depends? on {re.escape(name)}(?:\[[^\]\s]*\])?([<>=!~][^\s]*?)[,.]?(?=\s|$)"
    return sorted({f"{name}{found}" for found in re.findall(asked, answer.explanation)})


def _elsewhere(name: str, said: str, platform: Platform) -> str:
    """For which image the package `name` has wheels, as options."""
    found = re.search(rf"hint: [^\n]*`{re.escape(name)}` \(v[^)]*\)[^\n]*: (`[^\n]+)", said)
    other = platform_with_wheels(found[1], platform.tag) if found else ""
    return f"--platform {other} builds for it" if other else "--python or --base choose another Python"


def _source_alone(said: str, asks: Sequence[Ask]) -> list[str]:
    """Which packages fail for want of a wheel: those asked for, or the only one; of many it is no reason."""
    names = {one or two for one, two in _SOURCE_ONLY.findall(said)} | set(_UNUSABLE.findall(said))
    return sorted(names & {ask.name for ask in asks} or (names if len(names) == 1 else set()))


def _asked_by(said: str, asks: Sequence[Ask]) -> str:
    rows = sorted({f"\n  {ask.where}: {ask.text}" for ask in _named(said, asks)})
    return "\nasked for by" + "".join(rows) if rows else ""


def _named(said: str, asks: Sequence[Ask]) -> list[Ask]:
    return [ask for ask in asks if re.search(rf"(?<![\w.-]){re.escape(ask.name)}(?![\w-])", said)]


def _indented(said: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in said.splitlines())
