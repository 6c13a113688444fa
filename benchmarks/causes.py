"""The measured cause of an aim that was missed, told from the profile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from . import imports
from .figures import seconds, size
from .imports import Import
from .profiling import Memory, Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """All that was measured beside the table.

    `layers` are title and bytes of the image, bottom first; `peak` the processes at the builder's peak of resident
    memory, largest first, and `peak_proportional` its most bytes with shared pages counted once.
    """

    cold: tuple[float, tuple[Phase, ...]]
    model_change: tuple[float, tuple[Phase, ...]]
    no_change: tuple[float, tuple[Phase, ...]]
    bare_python: float
    command_imports: tuple[Import, ...]
    container_imports: tuple[Import, ...]
    container_memory: Memory
    layers: tuple[tuple[str, int], ...]
    peak: tuple[tuple[str, int], ...]
    peak_resident: int
    peak_proportional: int


def cause(key: str, profile: Profile) -> str:
    """One sentence on where the measure `key` goes. KeyError for an unknown one."""
    return _CAUSES[key](profile)


def _phases(found: tuple[float, Sequence[Phase]]) -> str:
    whole, phases = found
    longest = sorted(phases, key=lambda phase: -phase.seconds)[:3]
    parts = [
        f"{phase.name} {seconds(phase.seconds)} (CPU {seconds(phase.cpu)}, engine {seconds(phase.engine_cpu)})"
        for phase in longest
    ]
    return f"of {seconds(whole)} with the profile on: {', '.join(parts)}"


def _no_change(profile: Profile) -> str:
    top = imports.by_package(profile.command_imports, split="envbuild")[:4]
    parts = ", ".join(f"{name} {own * 1000:.0f} ms" for name, own, _ in top)
    return (
        f"bare Python {seconds(profile.bare_python)}, {len(profile.command_imports)} imports "
        f"{seconds(imports.total(profile.command_imports))} ({parts})"
    )


def _size(profile: Profile) -> str:
    largest = sorted(profile.layers, key=lambda layer: -layer[1])[:5]
    return "largest layers: " + ", ".join(f"{title} {size(value)}" for title, value in largest)


def _start(profile: Profile) -> str:
    top = imports.by_package(profile.container_imports)[:5]
    parts = ", ".join(f"{name} {own * 1000:.0f} ms" for name, own, _ in top)
    return f"imports {seconds(imports.total(profile.container_imports))} with the profile on: {parts}"


def _container(profile: Profile) -> str:
    memory = profile.container_memory
    top = ", ".join(f"{name} {size(value)}" for name, value in memory.imports[:5])
    rest = memory.end - memory.start - sum(value for _, value in memory.imports)
    return (
        f"resident {size(memory.end)}: interpreter {size(memory.start)}, imports of {top}; "
        f"loading and answering {size(max(0, rest))}"
    )


def _builder(profile: Profile) -> str:
    top = ", ".join(f"{name} {size(value)}" for name, value in profile.peak[:4])
    return f"at the peak: {top}; {size(profile.peak_proportional)} with shared pages counted once"


_CAUSES: dict[str, Callable[[Profile], str]] = {
    "cold": lambda profile: _phases(profile.cold),
    "model_change": lambda profile: _phases(profile.model_change),
    "no_change": _no_change,
    "size": _size,
    "gzip": _size,
    "first_answer": _start,
    "builder_memory": _builder,
    "container_memory": _container,
}
