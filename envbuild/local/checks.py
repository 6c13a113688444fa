"""What a trial found: one row a check."""

from __future__ import annotations

from typing import Any, Literal

from ..errors import EnvbuildError
from ..records import dataclass

Result = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was tried. `seconds` is how long it took; `reason` and `hint` may be empty."""

    name: str
    result: Result
    seconds: float = 0.0
    reason: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """All checks of `subject` (a model or an image) behind `server`, where they ran, in words, and the server's log.

    `log` holds its last lines, and only where a check failed.
    """

    subject: str
    server: str
    where: str
    checks: tuple[Check, ...]
    log: str = ""

    @property
    def passed(self) -> bool:
        """Whether no check failed, and at least one was done."""
        results = {check.result for check in self.checks}
        return "failed" not in results and "passed" in results

    def as_json(self) -> dict[str, Any]:
        """The trial as a JSON object; times in seconds."""
        return {
            "subject": self.subject,
            "server": self.server,
            "where": self.where,
            "passed": self.passed,
            "checks": [
                {
                    "name": check.name,
                    "result": check.result,
                    "seconds": round(check.seconds, 3),
                    "reason": check.reason,
                    "hint": check.hint,
                }
                for check in self.checks
            ],
        }


class TrialError(EnvbuildError):
    """A check failed, so that the image got no name. `trial` has the rows."""

    exit_code = 1

    def __init__(self, trial: Trial) -> None:
        failed = [check.name for check in trial.checks if check.result == "failed"]
        super().__init__(
            f"the image was tried and failed, so it got no name: {', '.join(failed)}",
            hint="`envbuild test MODEL` and `envbuild serve MODEL` run the same server on this machine",
        )
        self.trial = trial
