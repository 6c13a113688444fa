"""Links are followed inside the image and lead nowhere else."""

from __future__ import annotations

import pytest

from envbuild.bases.links import follow

TREE = {
    "usr": "",
    "usr/bin": "",
    "usr/bin/python3.11": "",
    "usr/bin/python3": "python3.11",
    "bin": "usr/bin",
    "opt": "",
    "opt/python": "/bin/python3",
    "opt/up": "../../../../usr/bin/python3",
    "opt/dangling": "/nowhere",
    "opt/a": "b",
    "opt/b": "a",
}


@pytest.mark.parametrize(
    ("name", "real"),
    [
        ("usr/bin/python3", "usr/bin/python3.11"),
        ("/bin/python3", "usr/bin/python3.11"),
        ("opt/python", "usr/bin/python3.11"),
        ("opt/up", "usr/bin/python3.11"),
        ("../../usr/./bin//python3.11", "usr/bin/python3.11"),
        ("/", ""),
        ("opt/dangling", None),
        ("opt/a", None),
        ("lib/x", None),
    ],
)
def test_a_path_leads_to_what_the_image_has(name: str, real: str | None) -> None:
    assert follow(name, TREE.get) == real
