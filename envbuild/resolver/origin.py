"""What a lock was made for, as its file records it, and what is different from what is asked for now."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import field

from ..oci.canonical import digest_of
from ..options import INDEX_VARIABLES
from ..records import dataclass
from .asking import ALLOWED, Wish
from .indexes import without_credentials
from .lockcache import key_of
from .requirements import Ask
from .whole import LACKS, WHOLE

OWN = "own-lock"
"""The setting that tells of the model's own lock, by a digest."""
CHANNELS = "channels"
"""The setting that names the channels of conda packages."""
_RULES = "what envbuild knows of servers and packages is not what it was: its version is another one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What determined a resolution. `digest` is over all of it; the rest is there to say what changed.

    `settings` are uv's variables, the day of `--as-of`, and the model's own lock; what names places has a digest of
    them for its value. `base` is the name of the base where that means the same on other machines, else its kind
    (`oci`). `conda` are the match specs of conda packages. `places` tell where each of the requirements, constraints
    and match specs stands; they are not recorded.
    """

    digest: str
    server: str
    requirements: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    base: str = ""
    base_digest: str = ""
    conda: tuple[str, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)


def origin_of(wish: Wish) -> Origin:
    """What is asked for now, before anything is solved. Raises ResolveError as `Wish.gathered`."""
    inputs, _ = wish.put(*wish.first())
    # What may be built is the person's to say in each run, and no property of what came out.
    set_now = {name: value for name, value in wish.settings().items() if name != ALLOWED}
    return Origin(
        digest="sha256:" + key_of(inputs, wish.platform, set_now, wish.server.name),
        server=wish.server.name,
        requirements=_texts(inputs.asks),
        constraints=_texts(inputs.constraints),
        # The address of an index may be nobody's business, and a folder's path is this machine's.
        settings={
            **{name: digest_of(value)[:19] if name in INDEX_VARIABLES else value for name, value in set_now.items()},
            **({OWN: digest_of(inputs.own_lock)[:19]} if inputs.own_lock else {}),
        },
        places={without_credentials(ask.kept): ask.where for ask in (*inputs.asks, *inputs.constraints)},
    )


def stands_in(wish: Wish) -> bool:
    """Whether mlflow-skinny would do for `wish`, so that it counts what the model imports."""
    return bool(wish.put(*wish.first())[0].substitutions)


def changes(before: Origin, now: Origin, *, indexes: bool = True) -> list[str]:
    """What is asked for now and was not then, in sentences; empty where the digests are equal.

    Without `indexes` it does not count that packages are looked for in other places: who fetches by hash need not care.
    """
    if before.digest == now.digest:
        return []
    found = []
    if before.server != now.server:
        found.append(f"the server is {now.server}, it was {before.server or 'not named'}")
    found += _lines("the conda package ", before.conda, now.conda, now.places)
    found += _lines("", before.requirements, now.requirements, now.places)
    found += _lines("the constraint ", before.constraints, now.constraints, now.places)
    elsewhere = ALLOWED in before.settings
    # What is imported is told by whoever has read the model.
    for name in sorted((before.settings.keys() | now.settings.keys()) - {LACKS, WHOLE, ALLOWED}):
        old, new = before.settings.get(name, ""), now.settings.get(name, "")
        if old != new and name in INDEX_VARIABLES:
            elsewhere = True
            if not indexes:
                continue
            found.append(
                f"{name} {'names other places' if old and new else 'is set' if new else 'is not set any more'}"
            )
        elif old != new and name == CHANNELS:
            found.append(f"the channels are {new or 'none'}, they were {old or 'none'}")
        elif old != new and name == OWN:
            found.append(f"the model's own lock is {'not what it was' if old and new else 'new' if new else 'gone'}")
        elif old != new:
            found.append(f"{name} is {new or 'not set'}, it was {old or 'not set'}")
    return found or ([] if elsewhere else [_RULES])


def _texts(asks: Iterable[Ask]) -> tuple[str, ...]:
    return tuple(sorted({without_credentials(ask.kept) for ask in asks}))


def _lines(what: str, before: Iterable[str], now: Iterable[str], places: Mapping[str, str]) -> list[str]:
    old, new = _by_name(set(before) - set(now)), _by_name(set(now) - set(before))
    found = []
    for name in sorted(old.keys() | new.keys()):
        was, is_now = old.get(name, []), new.get(name, [])
        told = [f"{text} ({places[text]})" if text in places else text for text in is_now]
        if was and is_now:
            found.append(f"{what}{', '.join(told)} was {', '.join(was)}")
        else:
            found.append(f"{what}{', '.join(told)} is new" if told else f"{what}{', '.join(was)} is gone")
    return found


def _by_name(texts: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for text in sorted(texts):
        found.setdefault(re.split(r"[^\w.-]", text.rpartition("::")[2], maxsplit=1)[0], []).append(text)
    return found
