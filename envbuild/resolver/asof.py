"""The day that packages are chosen as of: what was published later is not there, but for the server's own packages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ..errors import UsageError
from ..model.types import Model
from ..patterns import pattern
from ..records import dataclass
from ..servers.types import Server
from .ladder import SERVER

_DAY = pattern(r"\d{4}-\d\d-\d\d")
_FORMS = "write a day (2023-12-20), a time (2023-12-20T10:00:00Z), or `model` for the time when the model was logged"
_KEY = "utc_time_created"
# What a server may ask for, and what is the model's own all the same.
_THE_MODELS = frozenset({"mlflow", "mlflow-skinny", "numpy", "pandas"})
# What the Azure ML server stands beside in its images, and what reads its scripts' schemas: versions of the same makers
# that go with it. inference-schema 1.7.1 asks for wrapt 1.12, of which there is no wheel.
_BESIDE = ("azureml-ai-monitoring", "azureml-contrib-services", "inference-schema")


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf:
    """A moment in UTC (`2023-12-21T00:00:00Z`), and where it was said."""

    moment: str
    where: str


def as_of(text: str, model: Model) -> AsOf | None:
    """What `--as-of` means for `model`; None for an empty text. A day means its end, in UTC.

    Raises UsageError for what is no time, for one that is still to come, and where the model does not say when it was
    logged.
    """
    if not text:
        return None
    if text == "model":
        return _logged(model)
    moment = _end_of(text) if _DAY.fullmatch(text) else _moment(text)
    if moment is None:
        raise UsageError(f"--as-of {text}: this is no time", hint=_FORMS)
    if moment > datetime.now(timezone.utc):
        raise UsageError(f"--as-of {text}: that is not over yet", hint="leave --as-of out for the newest packages")
    return AsOf(moment=_written(moment), where="--as-of")


def exempt(server: Server, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The packages of which any version may be taken: the server's own, and what lies in folders of this machine.

    Nobody says of a file when it was published, so a private wheel could be taken for no day at all.
    """
    names = {package.name for package in (*server.packages, *server.optional)} - _THE_MODELS
    if server.ladder:
        names |= {SERVER, *_BESIDE}
    return tuple(sorted(names | set(_local(environ.get("UV_FIND_LINKS", "")))))


def _logged(model: Model) -> AsOf:
    raw = model.mlmodel.raw.get(_KEY) if model.mlmodel else None
    if raw is None:
        raise UsageError(
            f"--as-of model: MLmodel does not say when the model was logged ({_KEY})", hint="give the day instead"
        )
    span = model.mlmodel.spans.get(_KEY) if model.mlmodel else None
    where = f"{span.file}:{span.line}" if span else "MLmodel"
    moment = _moment(str(raw))
    if moment is None:
        raise UsageError(f"{where}: {_KEY} is {str(raw)[:60]!r}, which is no time", hint="give the day instead")
    return AsOf(moment=_written(moment), where=where)


def _moment(text: str) -> datetime | None:
    """A time in UTC, rounded up to a second; one without a zone is in UTC, as MLflow writes it."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(\.\d+)?\s*(Z|z|[+-]\d\d:\d\d)?", text.strip())
    if found is None:
        return None
    zone = (found[4] or "Z").upper().replace("Z", "+00:00")
    try:
        moment = datetime.fromisoformat(f"{found[1]}T{found[2]}{zone}").astimezone(timezone.utc)
        return moment + timedelta(seconds=1) if found[3] and found[3].strip(".0") else moment
    except (ValueError, OverflowError):
        return None


def _end_of(text: str) -> datetime | None:
    try:
        day = date.fromisoformat(text) + timedelta(days=1)
    except (ValueError, OverflowError):
        return None
    return datetime(day.year, day.month, day.day, tzinfo=timezone.utc)


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def _local(links: str) -> Iterator[str]:
    """The canonical names of the wheels in the local folders among uv's find-links."""
    for entry in filter(None, re.split(r"[\s,]+", links)):
        try:
            parts = urlsplit(entry)
        except ValueError:
            continue
        folder = Path(url2pathname(parts.path)) if parts.scheme == "file" else Path(entry)
        if parts.scheme in ("", "file") and folder.is_dir():
            for wheel in folder.glob("*.whl"):
                yield re.sub(r"[-_.]+", "-", wheel.name.partition("-")[0]).lower()
