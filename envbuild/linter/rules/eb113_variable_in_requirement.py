"""EB113: a variable in a requirement."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.types import Model, Span
from ...patterns import pattern
from ..base import BaseRule
from ..types import Finding, Target

# As pip takes them: capitals, digits and underscores, in braces.
_VARIABLE = pattern(r"\$\{([A-Z0-9_]+)\}")


class VariableInRequirement(BaseRule):
    """A requirement, an option or a channel names an environment variable.

    *What it does*: looks for `${NAME}` in requirements with an address, in index options and in channels. In a name or
    a version it is no requirement at all, which EB101 says.

    *Why it breaks*: pip puts in what the variable holds where the environment is made. In a cloud build, or on another
    machine, it is not set, and the address stays as it is written. envbuild does not expand variables of a model, and
    refuses a wheel's address with one: what the machine that builds knows is nothing for a model to send away.

    *Example*: `--extra-index-url https://${TOKEN}@pkgs.example.com/simple`.

    *Use instead*: the name and version alone, and the index from outside: UV_INDEX, UV_DEFAULT_INDEX, ~/.netrc.

    *Source*: pip, "Requirements File Format", Using environment variables.
    """

    code = "EB113"
    name = "variable-in-requirement"
    severity = "warning"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each line."""
        environment = model.environment
        texts: list[tuple[str, Span, bool]] = [
            (r.text, r.span, not target.azure) for r in (*environment.pip, *environment.constraints) if r.url
        ]
        texts += [(line.text, line.span, False) for line in (*environment.lines, *environment.channels)]
        for text, span, refused in sorted(texts, key=lambda found: (found[1].file, found[1].line, found[1].column)):
            names = list(dict.fromkeys(_VARIABLE.findall(text))) if "${" in text else []
            if names:
                yield self.finding(
                    f"{', '.join(f'${{{name}}}' for name in names)[:200]} is not expanded: the line stays as it is",
                    hint="write the value; what is secret belongs into UV_INDEX or ~/.netrc of whoever builds",
                    spans=[span],
                    severity="error" if refused else None,
                )
