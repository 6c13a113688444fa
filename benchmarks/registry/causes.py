"""The measured cause of an aim that was missed, in one sentence."""

from __future__ import annotations

from ..causes import outside
from ..figures import seconds, series, size
from .results import Profiled, Push, Registry


def cause(key: str, found: Registry) -> str:
    """Where the figure `key` goes. KeyError for one that has no aim."""
    if key == "push":
        alone = f"the registry alone takes {series(found.large.bare, 's')} for the bare file"
        return f"{alone}; {profiled(found.large.profiles[key])}"
    if key == "layout":
        alone = f"a bare copy of the file takes {series(found.large.copied, 's')}"
        return f"{alone}; {profiled(found.large.profiles[key])}"
    if key in found.large.profiles:
        return profiled(found.large.profiles[key])
    if key.endswith("_memory"):
        return _memory(key.removesuffix("_memory"), found)
    return {
        "change_sent": lambda: _sent(found.changes.envbuild[-1]),
        "models": lambda: _alone(found),
        "second_sent": lambda: _sent(found.arrivals.second[-1]),
        "second_wheels": lambda: f"{found.arrivals.second[-1].unseen} layers were taken over unseen",
    }[key]()


def profiled(found: Profiled, count: int = 4) -> str:
    """The longest phases, and the time outside of all."""
    longest = sorted(found.phases, key=lambda phase: -phase.seconds)[:count]
    parts = ", ".join(f"{phase.name} {seconds(phase.seconds)} (CPU {seconds(phase.cpu)})" for phase in longest)
    registry = f"; CPU of the registry {seconds(found.registry_cpu)}" if found.registry_cpu >= 0.01 else ""
    rest = seconds(outside(found.seconds, found.phases))
    return f"of {seconds(found.seconds)} with the profile on: {parts}, outside of all phases {rest}{registry}"


def _sent(push: Push) -> str:
    beside = size(push.sent - push.content)
    return f"{size(push.content)} in {push.blobs} blobs, {beside} of questions, headers and manifests"


def _alone(found: Registry) -> str:
    parts = ", ".join(f"{name} {size(value)}" for name, value in found.envbuild.alone()[:4])
    return f"layers that an image shares with no other: {parts}" if parts else "every layer is shared"


def _memory(name: str, found: Registry) -> str:
    processes = ", ".join(f"{title} {size(value)}" for title, value in found.large.peaks[name].processes[:4])
    most = max(found.large.profiles[name].phases, key=lambda phase: phase.resident)
    return f"at the peak {processes}; the phase with the most is {most.name}, {size(most.resident)} in the profiled one"
