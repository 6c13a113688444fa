"""EB201: a Python version that gets no more security fixes."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model
from ...servers.pythons import minors, too_old, ways_on
from ..base import BaseRule
from ..pins import python_of
from ..pythons import python_spans
from ..types import Finding, Target


class PythonEol(BaseRule):
    """The target Python is past its end of life, or too old for the server.

    *What it does*: compares the Python that the image will have with a table of end-of-life dates, by today's date, and
    with the oldest Python that the server runs on.

    *Why it breaks*: new releases of packages, and fixes of holes, no longer come for it; conda channels and base images
    drop it. No version of the Azure ML inference server from 1.0 on runs on Python 3.7 or older, and what envbuild lays
    beside the other servers runs on nothing before 3.9: an error.

    *Example*: `- python=3.7.12`.

    *Use instead*: log the model anew on a newer Python. Another version for the same pickle is safe only if that holds
    no code, which EB203 looks at.

    *Source*: devguide.python.org, "Status of Python versions"; MicrosoftLearning/mslearn-mlops issue 60;
    Azure/mlops-v2-ado-demo issue 7.
    """

    code = "EB201"
    name = "python-eol"
    severity = "warning"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """At most one finding."""
        python = python_of(model, target)
        row = minors().get(python)
        spans = python_spans(model, target)
        if why := too_old(target.server, python):
            yield self.finding(why, hint=ways_on(target.server, python), spans=spans, severity="error")
        elif row is not None and target.month > row["eol"]:
            yield self.finding(
                f"Python {python} gets no more security fixes since {row['eol']}",
                hint="log the model anew on a newer Python; --python 3.11 tries it as it is",
                spans=spans,
            )
