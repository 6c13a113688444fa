"""From what builders and engines say back to the lines of the Dockerfile, and what an image must say of itself."""

from __future__ import annotations

from typing import Any

from envbuild.backends.dockerfile.checking import differences
from envbuild.backends.dockerfile.history import layers_of
from envbuild.backends.dockerfile.instructions import instructions, last_stage
from envbuild.backends.dockerfile.steps import Done, Steps
from envbuild.progress import Progress

DOCKERFILE = """\
# escape=\\
# A comment.
ARG BASE=python
FROM --platform=linux/amd64 ${BASE} AS base
RUN --mount=type=cache,target=/c \\
    # a comment in between

    ["/bin/x", "y"]

FROM base AS Packages
WORKDIR /w
COPY <<EOF /w/file
FROM nothing
RUN nothing
EOF
ENV A=1
RUN ["/bin/z"]
FROM base
LABEL a="1" \\
      b="2"
COPY --from=packages /w/ /w/
"""


def test_every_instruction_has_its_line_its_stage_and_buildkits_number() -> None:
    found = [(i.line, i.keyword, i.stage, i.number) for i in instructions(DOCKERFILE)]
    assert found == [
        (3, "ARG", "", 0),
        (4, "FROM", "base", 1),
        (5, "RUN", "base", 2),
        (10, "FROM", "packages", 0),
        (11, "WORKDIR", "packages", 1),
        (12, "COPY", "packages", 2),
        (16, "ENV", "packages", 0),
        (17, "RUN", "packages", 3),
        (18, "FROM", "stage-2", 0),
        (19, "LABEL", "stage-2", 0),
        (21, "COPY", "stage-2", 1),
    ]
    assert instructions(DOCKERFILE)[2].text == 'RUN --mount=type=cache,target=/c ["/bin/x", "y"]'


def test_another_escape_character_is_respected() -> None:
    found = instructions("# escape=`\nFROM a\nRUN x `\n  y\\\nRUN z\n")
    assert [(i.line, i.text) for i in found] == [(2, "FROM a"), (3, "RUN x y\\"), (5, "RUN z")]


def test_the_image_is_made_by_its_stage_and_those_below_it() -> None:
    assert [i.line for i in last_stage(instructions(DOCKERFILE))] == [5, 19, 21]
    assert last_stage(instructions("FROM a AS a\nRUN x\n"))[0].line == 2
    assert last_stage(()) == []


HISTORY = [
    {"CreatedBy": "COPY /w/ /w/ # buildkit", "Size": 7},
    {"CreatedBy": "LABEL a=1 b=2", "Size": 0},
    {"CreatedBy": "RUN /bin/x y # buildkit", "Size": 5},
    {"CreatedBy": '/bin/sh -c #(nop)  CMD ["python3"]', "Size": 0},
    {"CreatedBy": "/bin/sh -c #(nop) ADD file:1234 in / ", "Size": 100},
]


def test_layers_are_named_by_the_instructions_that_made_them() -> None:
    found = instructions(DOCKERFILE)
    steps = [Done(instruction=found[2], cached=True), Done(instruction=found[-1], cached=False)]
    layers = layers_of(HISTORY, ["sha256:a", "sha256:b", "sha256:c"], found, steps)
    assert [(layer.kind, layer.size, layer.cached, layer.diff_id) for layer in layers] == [
        ("base", 100, True, "sha256:a"),
        ("step", 5, True, "sha256:b"),
        ("wheels", 7, False, "sha256:c"),
    ]
    assert layers[1].title.startswith("RUN --mount=type=cache")
    assert layers[1].why == "line 5 of the Dockerfile"


def test_a_layer_that_may_be_anyones_has_no_diff_id() -> None:
    layers = layers_of(HISTORY, ["sha256:a", "sha256:b"], instructions(DOCKERFILE), [])
    assert [layer.diff_id for layer in layers] == ["", "", ""]


PLANNED: dict[str, Any] = {
    "architecture": "amd64",
    "config": {
        "Env": ["PATH=/bin", "A=1=2"],
        "User": "65532:65532",
        "Entrypoint": ["/x"],
        "Cmd": [],
        "WorkingDir": "",
        "ExposedPorts": {"80/tcp": {}},
        "StopSignal": "SIGTERM",
        "Healthcheck": {"Test": ["CMD", "/h"], "Interval": 30},
        "Labels": {"l": "v"},
    },
}


def found_image(**changes: Any) -> dict[str, Any]:
    config = {
        **PLANNED["config"],
        "Cmd": None,
        "Healthcheck": {"Test": ["CMD", "/h"], "Interval": 30, "Retries": 0},
        "Image": "sha256:1",
        **changes,
    }
    return {"Architecture": "amd64", "Config": config}


def test_an_image_as_planned_has_no_differences_whatever_else_it_says() -> None:
    more = found_image(Env=["X=y", "A=1=2", "PATH=/bin"], Labels={"l": "v", "builder": "b"}, WorkingDir="/")
    assert differences(PLANNED, found_image()) == []
    assert differences(PLANNED, more) == []


def test_every_difference_is_told() -> None:
    told = differences(
        PLANNED,
        {
            **found_image(
                User="",
                Env=["PATH=/sbin"],
                Entrypoint=None,
                Labels=None,
                ExposedPorts=None,
                Healthcheck=None,
                Cmd=["sh"],
            ),
            "Architecture": "arm64",
        },
    )
    text = "\n".join(told)
    words = ["architecture", "User is ''", "PATH is '/sbin'", "variable A is missing", "Entrypoint", "Cmd is ['sh']"]
    words += ["Labels l is missing", "80/tcp is missing", "Healthcheck"]
    for word in words:
        assert word in text
    assert len(told) == 9


def test_secrets_and_colours_are_not_shown() -> None:
    steps = Steps("FROM scratch\n", Progress(), hidden=["hunter22", "", "x"])
    shown = steps.clean("\x1b[91mgot hunter22 at https://me:pw@host/simple\x1b[0m x")
    assert shown == "got *** at https://host/simple x"


def test_a_failure_shows_the_last_fifteen_lines_the_line_and_the_text() -> None:
    steps = Steps(DOCKERFILE, Progress())
    instruction = steps.instructions[2]
    steps.begin("1", "RUN", instruction)
    for number in range(40):
        steps.said(f"output {number}.", "1")
    error = steps.failure("exit code: 3", "1")
    assert "line 5 of the Dockerfile: exit code: 3" in error.message
    assert '  5 | RUN --mount=type=cache,target=/c ["/bin/x", "y"]' in error.message
    assert "output 24." not in error.message
    assert all(f"output {number}." in error.message for number in range(25, 40))
    assert error.exit_code == 9


def test_the_hint_fits_the_failure() -> None:
    def hint(said: str) -> str:
        steps = Steps(DOCKERFILE, Progress())
        steps.begin("1", "RUN", None)
        steps.said(said, "1")
        return steps.failure("exit code: 1", "1").hint

    assert "--backend assemble" in hint("exec /opt/envbuild/bin/python: exec format error")
    assert "--build-network host" in hint("Failed to establish: [Errno -3] Temporary failure in name resolution")
    assert "SSL_CERT_FILE" in hint("SSLError: certificate verify failed: unable to get local issuer certificate")
    assert "docker system df" in hint("OSError: [Errno 28] No space left on device")
    assert "docker login" in hint("pull access denied for x/y, repository does not exist")
    assert hint("something else").startswith("`envbuild dockerfile")
