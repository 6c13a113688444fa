"""EB608: keys, tokens and passwords in the model folder."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...facts import load_json
from ...model.types import Model, ModelFile, Span
from ..base import BaseRule
from ..conda_lines import line_at
from ..secret_scan import secrets_of
from ..types import Finding, Target

_WAY = (
    "take it out of the folder, or name it in .envbuildignore; revoke it: it is where the model was logged to as well"
)
_STAY_OUT = frozenset({".env", ".netrc"})


class SecretInModelFolder(BaseRule):
    """A file of the model is known to hold credentials, or holds a token or key.

    *What it does*: looks at the names of the files that go into the image, and reads the small text files among them
    for tokens and keys that show by their shape: private keys, and those of AWS, Azure, Databricks, GitHub, Hugging
    Face and others. The value is never shown. `.env` and `.netrc` stay out of envbuild's image, and are only mentioned;
    with `--target azure`, whose container gets the whole folder, they are an error.

    *Why it breaks*: everybody who can pull the image can read the file, and so can everybody with access to the model
    registry. Removing it in a later layer does not help.

    *Example*: `code/settings.py` with a line `TOKEN = "dapi..."`; `.databrickscfg` beside MLmodel.

    *Use instead*: an environment variable or a mounted secret where the container runs.

    *Source*: GitHub, "Supported secret scanning patterns"; the issuers' own pages on the form of their tokens.
    """

    code = "EB608"
    name = "secret-in-model-folder"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each file by its name, and for each token or key by its place."""
        for left in model.left_out:
            if left.path.rsplit("/", 1)[-1] in _STAY_OUT:
                yield self.finding(
                    f"{left.path} may hold credentials"
                    + (", and the container gets the whole folder" if target.azure else "; it stays out of the image"),
                    hint="take it out of the folder: it is where the model was logged to as well",
                    spans=[Span(file=left.path)],
                    severity="error" if target.azure else "info",
                )
        named: set[str] = set()
        for file in model.files:
            what = _named(file)
            if what:
                named.add(file.path)
                yield self.finding(
                    f"{file.path} holds {what}, and goes into the image", hint=_WAY, spans=[Span(file=file.path)]
                )
        for kind, span in secrets_of(model, but=named):
            if _in_address(model, span):
                continue
            yield self.finding(
                f"{kind} stands in {span.file}:{span.line}, which goes into the image", hint=_WAY, spans=[span]
            )


def _in_address(model: Model, span: Span) -> bool:
    """Whether it stands in an address of an environment file: that is EB602's to tell."""
    environments = (model.environment, *model.others)
    if not any(span.file in environment.files for environment in environments):
        return False
    before = line_at(model, span)[: span.column - 1]
    return "://" in re.split(r"\s", before)[-1]


def _named(file: ModelFile) -> str:
    """What a file of this name holds; empty where nothing is known of it, or it is empty."""
    table = load_json("secret_files.json")
    if not file.size or file.path.endswith(tuple(table["examples"])):
        return ""
    for pattern, what in table["names"].items():
        name = "/".join(file.path.split("/")[-pattern.count("/") - 1 :])
        if name == pattern or (pattern.endswith("*") and name.startswith(pattern[:-1])):
            return str(what)
    return next((str(what) for ending, what in table["endings"].items() if file.path.endswith(ending)), "")
