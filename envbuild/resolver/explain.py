"""uv's explanation of a failure, sorted into the error tree, with the lines that asked for it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from ..errors import EnvbuildError, IntegrityError, NetworkError, ResolveError, StorageError
from .requirements import Ask, Inputs
from .target import Platform, platform_with_wheels
from .uv import Answer

_NETWORK = re.compile(
    r"error sending request|Failed to fetch|Request failed after|client error|network was disabled|"
    r"lack of valid authentication|operation timed out|Network connectivity is disabled"
)
_DISK_FULL = re.compile(r"os error 28\b|os error 122\b")
_DENIED = re.compile(r"(Permission denied|Read-only file system) \(os error (13|30)\)")
_SOURCE_ONLY = re.compile(r"Wheels are required for `([^`]+)`|[Bb]uilding source distributions for `([^`]+)`")
_UNUSABLE = re.compile(r"Because (?:all versions of )?([A-Za-z0-9][\w.-]*)[^\s]* has no usable wheels")
_NO_WHEEL = re.compile(r"([A-Za-z0-9][\w.-]*)[^\s]* ha(?:s|ve) no usable wheels")
_TAGS = re.compile(r"([A-Za-z0-9][\w.-]*)[^\s]* has no wheels with a matching ([\w ]+?) tag")
_UNDATED = re.compile(r"is missing an upload date")
_AGED = re.compile(r"`([A-Za-z0-9][\w.-]*)` was filtered by `exclude-newer`")
_NO_ARCHIVE = re.compile(r"([A-Za-z0-9][\w.-]*)[^\s]* has an invalid package format")
_GONE = re.compile(r"\b(404|410)\b")
_FILE = re.compile(r"/[^/\s]+\.(whl|tar\.gz|zip)(\.metadata)?\b")
_UNZIPPED = re.compile(r"Failed to unzip wheel: (\S+)")
_OTHER_FILE = (
    "it may be damaged, or a proxy's page in its place: look at its address in a browser, try again later, or ask who "
    "runs the index"
)
_PYTHON = re.compile(r"requires Python ?[<>=!~]")
_UNKNOWN = re.compile(r"([A-Za-z0-9][\w.-]*) was not found in the (?:package registry|provided package locations)")
_VERSION = re.compile(r"(?:there is no version of|only) ([A-Za-z0-9][\w.-]*)(?=[<>=!~ ,])")
_SKINNY = re.compile(
    r"(there (is|are) no versions? of mlflow-skinny|only mlflow-skinny\S* (is|are) available|"
    r"mlflow-skinny\S* (was not found|has no (usable )?wheels))"
)


def error_of(answer: Answer, inputs: Inputs, platform: Platform, *, known: str = "") -> EnvbuildError:
    """The error that says what `answer` means for the person. `known` is a reason that the pins show already."""
    said = re.sub(r"^(warning: .*\n)*error: ", "", answer.explanation)
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
    if _NETWORK.search(said):
        return _network_error(said, shown)
    if broken := _UNZIPPED.search(said):
        return IntegrityError(f"what the package index gave for {broken[1]} is no wheel:\n{shown}", hint=_OTHER_FILE)
    return ResolveError(
        f"no set of packages satisfies the requirements on Python {platform.python}:\n{shown}"
        + _asked_by(said, inputs.asks),
        hint=f"{known}: loosen that pin" if known else _undated(answer.explanation) or _hint(said, inputs, platform),
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
    return "No solution found" in answer.explanation and not _NETWORK.search(answer.explanation)


def blockers(answer: Answer, constraint: str, asks: Sequence[Ask]) -> str:
    """Who is in the way of `constraint`: what was asked for that the explanation names, or its first sentence."""
    name = re.split(r"[^\w.-]", constraint, maxsplit=1)[0]
    named = [f"{ask.text} ({ask.where})" for ask in _named(answer.explanation, asks) if ask.text != name]
    if named:
        return ", ".join(named)
    sentence = " ".join(answer.explanation.split()).partition("cause: ")[2]
    return sentence.partition(", we can conclude")[0].removeprefix("Because ") or "what else was asked for"


def _network_error(said: str, shown: str) -> NetworkError:
    if "lack of valid authentication" in said:
        from .netrcs import trouble_in

        trouble = trouble_in(os.environ)
        return NetworkError(
            f"the package index wants credentials, or does not take those that it got:\n{shown}",
            hint=(f"{trouble}; mend it, or " if trouble else "")
            + "put them into ~/.netrc or into UV_INDEX_<NAME>_USERNAME and _PASSWORD, or into the address in "
            "--index-url",
        )
    if "network was disabled" in said or "connectivity is disabled" in said:
        return NetworkError(
            f"packages are missing in the cache, and UV_OFFLINE forbids to ask for them:\n{shown}",
            hint="unset UV_OFFLINE once, so that the lock and the wheels get into the cache",
        )
    if _GONE.search(said) and _FILE.search(said):
        return NetworkError(
            f"the package index names a file that it does not have:\n{shown}",
            hint="try again later: its page may be older than its files; else ask who runs the index",
        )
    hint = "check the connection, HTTPS_PROXY and the index in UV_DEFAULT_INDEX; a cached lock needs no network"
    if re.search(r"certificate|InvalidContentType|tls|UnknownIssuer", said):
        hint = "name your certificate authority's file in SSL_CERT_FILE, and check the index's scheme and port"
    return NetworkError(f"the package index could not be reached:\n{shown}", hint=hint)


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
    if broken := _NO_ARCHIVE.search(said):
        return f"what the index gave for {broken[1]} is no wheel; {_OTHER_FILE}"
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
    if any(ask.name == "mlflow" for ask in inputs.asks):
        return "loosen one of the pins; mlflow-skinny with the flavor's packages asks for less than mlflow"
    if (version := _VERSION.search(said)) and not re.search("depends? on", said):
        return f"choose a version of {version[1]} that the index has"
    return "loosen one of the pins named above"


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
