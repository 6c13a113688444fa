"""The trial of a server that runs: what it is asked, and what it must answer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import quote

from ..errors import EnvbuildError
from ..progress import Progress, Summary
from ..servers import PROFILES
from . import bodies
from .asking import Answer, ask
from .checks import Check, Trial
from .comparing import difference
from .refusals import BODY_LIMIT, judge

TIMEOUT = 180.0
"""Seconds that a server may take until it is ready, and the model to answer."""
_POLL = 0.05
_ROUTES = {
    "envbuild": (("/score", "Azure ML"), ("/invocations", "MLflow")),
    "azureml": (("/score", "Azure ML"),),
    "mlflow": (("/invocations", "MLflow"),),
}
_OPEN = "/v2/models/{}"
_UNUSUAL = "look at the log: envbuild serve MODEL shows it"


class Subject(Protocol):
    """A server that was started, as a process or as a container, and what is known of it."""

    @property
    def name(self) -> str:
        """What the person calls it."""

    @property
    def where(self) -> str:
        """Where it runs, in words."""

    @property
    def server(self) -> str:
        """The name of its profile."""

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""

    @property
    def model_name(self) -> str:
        """The model's name in the Open Inference protocol."""

    def ended(self) -> str:
        """How it ended, in words; empty while it runs."""

    def log(self) -> str:
        """The last lines of its log."""

    def expected(self, seconds: float) -> Mapping[str, Any]:
        """What `expected.py` writes, run where the server runs."""

    def stop(self) -> tuple[bool, str]:
        """Ask it to stop: whether it ended well and in time, and how it ended."""


def run_trial(subject: Subject, progress: Progress, *, timeout: float = TIMEOUT) -> Trial:
    """Try everything that there is to try; the server is stopped in the end."""
    return _Run(subject, progress, timeout).trial()


class _Run:
    def __init__(self, subject: Subject, progress: Progress, timeout: float) -> None:
        self._subject = subject
        self._progress = progress
        self._timeout = timeout
        self._checks: list[Check] = []
        self._log = ""

    def trial(self) -> Trial:
        subject = self._subject
        if self._ready():
            self._progress.start("test", subject.name)
            self._questions()
            self._add(self._stop())
            count = sum(check.result != "skipped" for check in self._checks)
            self._progress.done("test", Summary(count=count, noun="checks"))
        return Trial(
            subject=subject.name,
            server=subject.server,
            where=subject.where,
            checks=tuple(self._checks),
            log=self._log,
        )

    def _add(self, check: Check) -> None:
        self._keep(check)
        self._progress.advance("test", what=check.name)

    def _keep(self, check: Check) -> None:
        self._checks.append(check)
        if check.result == "failed" and not self._log:
            # At once: what the server says later has nothing to do with it.
            self._log = self._subject.log()

    def _ready(self) -> bool:
        self._progress.start("start", f"the {self._subject.server} server")
        started = time.monotonic()
        reason = wait_ready(self._subject, self._timeout)
        hint = "the last lines of its log tell why"
        self._keep(self._check("ready", reason, time.monotonic() - started, hint))
        if not reason:
            self._progress.done("start", Summary(detail=self._subject.where))
        return not reason

    def _questions(self) -> None:
        started = time.monotonic()
        try:
            known = self._subject.expected(self._timeout)
        except EnvbuildError as error:
            known = {"error": error.message}
        seconds = time.monotonic() - started
        own = "the model's own predict"
        if known.get("script"):
            why = "a scoring script has requests of its own, which only its author knows"
            self._checks.append(Check(name=own, result="skipped", reason=why))
            self._refusals("/score", {}, known)
            return
        if known.get("error"):
            hint = "mlflow.pyfunc.load_model(...).predict(...) fails the same: mend the model or its input example"
            self._add(self._check(own, str(known["error"]), seconds, hint))
            known = {**known, "why": "the model itself does not answer", "request": None}
        elif known.get("request"):
            self._add(Check(name=own, result="passed", seconds=seconds, reason=f"on {known['source']}"))
        routes = _ROUTES[self._subject.server]
        for path, protocol in routes:
            self._protocol(path, protocol, known)
        if self._subject.server == "envbuild":
            self._open_inference(known)
        for path, _ in routes:
            self._refusals(path, known.get("request") or {}, known)
        if known.get("request"):
            path = routes[0][0]
            self._add(self._same(f"{path} afterwards", path, self._body(path, known["request"]), known))

    def _protocol(self, path: str, protocol: str, known: Mapping[str, Any]) -> None:
        name = f"{path} ({protocol})"
        if not known.get("request"):
            self._add(Check(name=name, result="skipped", reason=str(known.get("why", "there is no request"))))
            return
        self._add(self._same(name, path, self._body(path, known["request"]), known))

    def _open_inference(self, known: Mapping[str, Any]) -> None:
        path = _OPEN.format(quote(self._subject.model_name, safe=""))
        try:
            metadata = ask(*self._subject.address, "GET", path)
            document = metadata.document() if metadata.status == 200 else None
        except (OSError, ValueError):
            document = None
        if not isinstance(document, Mapping):
            return
        name = f"{path}/infer (Open Inference)"
        request = known.get("request")
        body = bodies.infer_body(request, document) if request else None
        if body is None:
            why = "the input example is no table and no tensor" if request else str(known.get("why", ""))
            self._add(Check(name=name, result="skipped", reason=why))
            return
        self._add(self._same(name, f"{path}/infer", bodies.encode(body), known))
        self._refusals(f"{path}/infer", {}, {})

    def _same(self, name: str, path: str, body: bytes, known: Mapping[str, Any]) -> Check:
        """Whether the server answers as the model itself does."""
        try:
            answer = ask(*self._subject.address, "POST", path, body, timeout=self._timeout)
        except OSError as error:
            return self._check(name, f"no answer: {error}", 0.0, _UNUSUAL)
        if answer.status != 200:
            said = " ".join(answer.text.split())[:300]
            return self._check(name, f"answered {answer.status}: {said}", answer.seconds, _UNUSUAL)
        try:
            found, expected = _pair(path, answer, known["predictions"])
        except ValueError as error:
            return self._check(name, f"the answer is no JSON: {error}", answer.seconds, _UNUSUAL)
        told = difference(found, expected, float(known["tolerance"]))
        if told and not known.get("repeatable", True):
            why = "the model answers the same request differently each time: nothing to compare"
            return Check(name=name, result="passed", seconds=answer.seconds, reason=why)
        return self._check(name, told, answer.seconds, "report it with the model's signature and its input example")

    def _refusals(self, path: str, request: Mapping[str, Any], known: Mapping[str, Any]) -> None:
        script = bool(known.get("script"))
        cases: list[tuple[str, str, bytes]] = []
        if not script:
            cases += [("no JSON", "POST", b'{"input_data": '), ("an empty body", "POST", b"")]
            for what, wrong in bodies.malformed(request, known.get("columns") or (), str(known.get("tensor") or "")):
                cases.append((what, "POST", self._body(path, wrong)))
        cases.append(("a wrong method", "PUT", b"{}"))
        if self._subject.server == "envbuild":
            cases.append(("a body that is too large", "POST", b" " * (BODY_LIMIT + 1)))
        for what, method, body in cases:
            name = f"{path}: {what}"
            try:
                answer = ask(*self._subject.address, method, path, body, timeout=self._timeout)
            except OSError as error:
                self._add(self._check(name, f"no answer: {error}", 0.0, _UNUSUAL))
            else:
                self._add(judge(name, answer, self._subject.server))

    def _stop(self) -> Check:
        started = time.monotonic()
        well, how = self._subject.stop()
        seconds = time.monotonic() - started
        hint = "requests that run longer than the grace time are cut off; ENVBUILD_GRACE_SECONDS sets it"
        return self._check("stops gently", "" if well else how, seconds, hint)

    def _body(self, path: str, request: Mapping[str, Any]) -> bytes:
        return bodies.encode(bodies.azure_body(request) if path == "/score" else request)

    def _check(self, name: str, reason: str, seconds: float, hint: str = "") -> Check:
        if not reason:
            return Check(name=name, result="passed", seconds=seconds)
        return Check(name=name, result="failed", seconds=seconds, reason=reason, hint=hint)


def wait_ready(subject: Subject, timeout: float) -> str:
    """Wait until the server says that it is ready: why it is not, or nothing. Ends at once where the server does."""
    path = PROFILES[subject.server].readiness
    end = time.monotonic() + timeout
    last = "it does not answer"
    while time.monotonic() < end:
        try:
            answer = ask(*subject.address, "GET", path, timeout=5.0)
            if answer.status == 200:
                return ""
            last = f"GET {path} is answered with {answer.status}"
        except OSError:
            pass
        if how := subject.ended():
            return how
        time.sleep(_POLL)
    return f"not ready after {timeout:.0f} seconds: {last}"


def _pair(path: str, answer: Answer, expected: Any) -> tuple[Any, Any]:
    document = answer.document()
    if path.endswith("/infer"):
        return bodies.infer_outputs(document, expected)
    if path == "/invocations" and isinstance(document, dict) and "predictions" in document:
        return document["predictions"], expected
    return document, expected
