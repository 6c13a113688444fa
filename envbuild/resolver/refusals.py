"""What an environment may say that no wheel answers: passed over with a note, or refused with a way on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import ResolveError
from ..model.conda_native import native
from ..model.markers import split_marker
from ..model.types import Environment, Line, Requirement, Span
from .foreign import left_out
from .indexes import for_messages
from .target import Platform

_TOOLS = frozenset({"pip", "setuptools", "wheel", "python"})
_INDEX_OPTIONS = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--trusted-host", "--no-index")
_HARMLESS_OPTIONS = (
    *("--prefer-binary", "--only-binary", "--no-binary", "--require-hashes", "--use-feature"),
    *("--config-settings", "--config-setting", "--global-option", "--install-option"),
)
_VCS = ("git+", "hg+", "svn+", "bzr+")


def place(span: Span, root: Path | None = None) -> str:
    """`conda.yaml:9`, with the folder in front if it is given; an option stands for itself."""
    if span.file.startswith("--"):
        return span.file
    return f"{root / span.file if root else span.file}:{span.line}"


def without_conda(environment: Environment, root: Path | None) -> list[str]:
    """Notes on the conda packages that an image does without, since wheels or the base bring what they hold.

    Raises ResolveError for any other, but for the tools that pip comes with.
    """
    listed = [dependency for dependency in environment.conda if dependency.name not in _TOOLS]
    known = [(dependency, native(dependency.name)) for dependency in listed]
    others = [dependency for dependency, row in known if row is None or not row.needless]
    if not others:
        return [f"{place(d.span)}: conda's {d.name} is left out, {row.why}" for d, row in known if row is not None]
    rows = "".join(f"\n  {place(dependency.span, root)}: {dependency.text}" for dependency in others)
    raise ResolveError(
        f"the environment lists {_count(others, 'conda package')}, and conda packages cannot be laid down:{rows}",
        hint="move them to the pip list under the names that the package index has for them, "
        "or give an environment without them with --environment FILE; "
        "without --conda never they come from their channels",
    )


def check_lines(lines: Iterable[Line], root: Path | None, platform: Platform | None = None) -> list[str]:
    """Notes on the lines that are passed over; raises ResolveError for one that must not be.

    A path or an address whose marker does not hold on `platform` is passed over, as pip does.
    """
    notes: list[str] = []
    for line in lines:
        text = for_messages(line.text.strip())
        option = re.split(r"[\s=]", text, maxsplit=1)[0]
        if option in _INDEX_OPTIONS or (option[:2] in ("-i", "-f") and not option.startswith("--")):
            notes.append(
                f"{place(line.span)}: {option} is not honoured, a model does not choose the package index; "
                "set UV_DEFAULT_INDEX, UV_INDEX or UV_FIND_LINKS"
            )
        elif option == "--hash":
            continue  # held against the lock
        elif option == "--pre":
            notes.append(f"{place(line.span)}: --pre is not honoured; set UV_PRERELEASE=allow")
        elif option in _HARMLESS_OPTIONS or option.startswith("-C"):
            notes.append(f"{place(line.span)}: {option} has no effect, every package is laid down from a wheel")
        elif not option.startswith("-") and platform is not None and not platform.holds(split_marker(text)[1]):
            notes.append(f"{place(line.span)}: {left_out(text)}")
        else:
            raise ResolveError(f"{place(line.span, root)}: {text!r} {_refusal(text, option)}", hint=_way(text, option))
    return notes


def check_url(requirement: Requirement, root: Path | None) -> None:
    """Raise ResolveError unless a direct reference is a wheel on a web server, without credentials."""
    url = requirement.url
    if not url:
        return
    where, shown = place(requirement.span, root), for_messages(requirement.text)
    if shown != requirement.text:
        raise ResolveError(
            f"{where}: {shown!r} has credentials in its address",
            hint="take them out of the file, and put them into ~/.netrc",
        )
    if "${" in url:
        # uv would put the value there, and send it to whoever the address names.
        raise ResolveError(
            f"{where}: {shown!r} names a variable of the machine that builds",
            hint="write the address itself; credentials of an index come from the outside (UV_INDEX, ~/.netrc)",
        )
    path = url.partition("#")[0].partition("?")[0].lower()
    if url.startswith(_VCS) or not url.lower().startswith(("http://", "https://")) or not path.endswith(".whl"):
        raise ResolveError(f"{where}: {shown!r} {_refusal(url, '')}", hint=_way(url, ""))


def _refusal(text: str, option: str) -> str:
    if option in ("-e", "--editable"):
        return "is an editable install, which an image cannot hold"
    if any(kind in text for kind in _VCS):
        return "is a source repository, which would have to be built"
    if option.startswith("-"):
        return "is an option that is not supported"
    if text.partition("#")[0].endswith(".whl"):
        if text.lower().startswith(("http://", "https://")):
            return "is the address of a wheel without the name of its package"
        return "is a wheel on a local path, which is not supported"
    return "is no requirement that a package index can answer"


def _way(text: str, option: str) -> str:
    if option.startswith("-") and option not in ("-e", "--editable"):
        return "take the line out, or give other requirements with --environment FILE"
    if any(kind in text for kind in _VCS) or option in ("-e", "--editable") or not text.endswith(".whl"):
        return (
            "publish a wheel of it and list it as name==version; with --allow-build NAME a package is built that an "
            "index has as source alone, or that is listed as name @ git+https://..."
        )
    if text.lower().startswith(("http://", "https://")):
        return f"write name @ {text}"
    return "put the wheel into a folder, name that folder in UV_FIND_LINKS, and list it as name==version"


def _count(items: Sequence[object], noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"
