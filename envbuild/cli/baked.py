"""What to tell about values that are baked into an image with `--env` and `--label`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..patterns import pattern

# Variables that the image itself sets or that its interpreter obeys, and what goes with them.
_OURS = {
    "PATH": "programs are found by it",
    "LD_LIBRARY_PATH": "compiled packages find their libraries by it",
    "LD_PRELOAD": "it is loaded into every process",
    "PYTHONHOME": "the interpreter looks for its standard library there",
    "PYTHONPATH": "modules in it hide the locked packages",
    "PYTHONSTARTUP": "the interpreter obeys it",
    "VIRTUAL_ENV": "the image sets it itself",
    "HOME": "it must be writable in a read-only container",
    "AML_APP_ROOT": "the server finds the scoring script by it",
    "AZUREML_ENTRY_SCRIPT": "the server finds the scoring script by it",
    "AZUREML_MODEL_DIR": "the server finds the model by it",
    "MLFLOW_MODEL_FOLDER": "the server finds the model by it",
}
_NAME = pattern(
    r"(?i)(?:^|[_.-])(pass(?:wd|word|phrase)?|secret|token|credentials?|(?:api|access|account|private|secret|auth)[_-]?key"
    r"|pwd|connection[_-]?string|sas)(?:$|[_.-])"
)
_HARMLESS = pattern(r"(?i)(?:_file|_path|_dir|_url|_name)$")
_VALUE = pattern(
    r"AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{20}|glpat-[\w-]{20}|xox[abprs]-[\w-]{10}|hf_[A-Za-z0-9]{30}"
    r"|\bsk-[\w-]{20}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.|-----BEGIN [A-Z ]*PRIVATE KEY|://[^/\s:@]+:[^/\s@]+@"
    r"|\bAccountKey=|\bSharedAccessKey=|[?&]sig=[\w%]{20}"
)


def env_notes(env: Sequence[tuple[str, str]]) -> list[str]:
    """What changes for the server by variables that it depends on."""
    return [f"--env {name} replaces what the image would set itself: {_OURS[name]}" for name, _ in env if name in _OURS]


def secret_warnings(option: str, values: Iterable[tuple[str, str]]) -> list[str]:
    """A warning for each value that looks like a secret. The value itself is never shown."""
    return [
        f"{option} {name} looks like a secret, and whoever can pull the image can read it: "
        "give it to the container when it starts"
        for name, value in values
        if value and looks_secret(name, value)
    ]


def looks_secret(name: str, value: str) -> bool:
    """Whether the name or the form of the value speaks of a secret."""
    return bool(_VALUE.search(value) or (_NAME.search(name) and not _HARMLESS.search(name)))
