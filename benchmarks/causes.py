"""The measured cause of an aim that was missed, told from the profile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from . import imports
from .figures import seconds, size
from .imports import Import
from .profiled import Imports, Memory
from .profiling import Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """All that was measured beside the table.

    `layers` are title and bytes of the image, bottom first; `peak` the processes at the builder's peak of resident
    memory, largest first, and `peak_proportional` its most bytes with shared pages counted once. `container_memory` is
    that of the server's first process and of its worker.
    """

    cold: tuple[float, tuple[Phase, ...]]
    model_change: tuple[float, tuple[Phase, ...]]
    no_change: tuple[float, tuple[Phase, ...]]
    bare_python: float
    command_imports: tuple[Import, ...]
    container_imports: Imports
    container_memory: tuple[Memory, Memory]
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
    whole, phases = profile.no_change
    top = imports.by_package(profile.command_imports, split="envbuild")[:4]
    parts = ", ".join(f"{name} {own * 1000:.0f} ms" for name, own, _ in top)
    return (
        f"{_phases(profile.no_change)}, outside of all phases {seconds(outside(whole, phases))}; "
        f"bare Python {seconds(profile.bare_python)}, {len(profile.command_imports)} imports "
        f"{seconds(imports.total(profile.command_imports))} with `-X importtime` ({parts})"
    )


def outside(whole: float, phases: Sequence[Phase]) -> float:
    """Seconds of a build in which no phase was under way."""
    ended = free = 0.0
    for phase in sorted(phases, key=lambda phase: phase.began):
        free += max(0.0, phase.began - ended)
        ended = max(ended, phase.ended)
    return free + max(0.0, whole - ended)


def _size(profile: Profile) -> str:
    largest = sorted(profile.layers, key=lambda layer: -layer[1])[:5]
    return "largest layers: " + ", ".join(f"{title} {size(value)}" for title, value in largest)


def _container(profile: Profile) -> str:
    return "; ".join(
        f"{kind} {size(memory.end)} resident (interpreter {size(memory.start)}, imports of {_top(memory)}, "
        f"all else {size(memory.rest)})"
        for kind, memory in zip(("the HTTP process", "the worker"), profile.container_memory, strict=True)
    )


def _top(memory: Memory) -> str:
    return ", ".join(f"{name} {size(value)}" for name, value in memory.imports[:5])


def _builder(profile: Profile) -> str:
    top = ", ".join(f"{name} {size(value)}" for name, value in profile.peak[:4])
    most = max(profile.cold[1], key=lambda phase: phase.resident)
    return (
        f"at the peak: {top}; {size(profile.peak_proportional)} with shared pages counted once; "
        f"the phase with the most is {most.name}, {size(most.resident)} in the profiled build"
    )


_CAUSES: dict[str, Callable[[Profile], str]] = {
    "cold": lambda profile: _phases(profile.cold),
    "model_change": lambda profile: _phases(profile.model_change),
    "no_change": _no_change,
    "size": _size,
    "gzip": _size,
    "first_answer": lambda profile: profile.container_imports.told(),
    "builder_memory": _builder,
    "container_memory": _container,
}
