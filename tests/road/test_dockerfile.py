"""`envbuild dockerfile` refuses what cannot become a context, and leaves nothing behind."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from tinyroad import Road
from tinywheels import make_wheel, write_index


def write(road: Road, *arguments: str) -> subprocess.CompletedProcess[str]:
    base = ["--base", f"oci:{road.base}", "--server", "envbuild", "--bytecode", "off"]
    return road.run("dockerfile", str(road.model), "-o", str(road.folder / "out"), *base, *arguments)


def check_refused(done: subprocess.CompletedProcess[str], road: Road, code: int, *said: str) -> None:
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert not (road.folder / "out").exists()
    assert not [path for path in road.folder.iterdir() if path.name.startswith(".")]
    for text in said:
        assert text in done.stderr


def test_an_index_without_the_tools_of_the_build(road: Road) -> None:
    check_refused(write(road), road, 4, "does not give installer 1.1.0 and pip", "--backend assemble")


def test_an_index_with_another_file_under_a_tools_name(road: Road, private_index: Callable[[], Path]) -> None:
    folder = private_index()
    for name, version in (("installer", "1.1.0"), ("pip", "26.2")):
        make_wheel(folder, name, version)
    write_index(folder)
    check_refused(write(road), road, 7, "another file for installer 1.1.0")


def test_a_template_with_a_mistake(road: Road) -> None:
    folder = road.folder / "templates"
    folder.mkdir()
    (folder / "Dockerfile.j2").write_text("FROM scratch\n{{ page.nothing }}\n")
    done = write(road, "--templates", str(folder))
    check_refused(done, road, 2, f"{folder / 'Dockerfile.j2'}:2: ", "nothing")


def test_a_value_with_a_line_break(road: Road) -> None:
    check_refused(write(road, "--env", "NOTE=a\nRUN id"), road, 2, "NOTE holds a line break", "--backend assemble")


def test_a_folder_with_something_else_in_it(road: Road) -> None:
    out = road.folder / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    done = write(road, "--force")
    assert done.returncode == 2
    assert "is not empty" in done.stderr
    assert (out / "thesis.tex").read_text() == "years of work"
    assert not road.cache.exists()  # told before any work
