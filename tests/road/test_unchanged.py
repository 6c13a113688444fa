"""A build that changes nothing is over in a blink: what it loads is bounded."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Iterator

import pytest
from tinyroad import Road

# What takes long to load, and nobody needs who has built the same image before. (A base in a file is read with tarfile
# and what that brings.)
HEAVY = {
    "concurrent.futures", "debian", "docker", "email", "http.client", "importlib.metadata", "importlib.resources",
    "installer", "isal", "jinja2", "mlflow", "multiprocessing", "packaging", "pickletools", "pysequoia", "requests",
    "rich", "ssl", "urllib3", "uv", "zipfile",
}  # fmt: skip
SCRIPT = (
    "import json, sys; from envbuild.cli.main import run; code = run(sys.argv[1:]);"
    "print(json.dumps(sorted(sys.modules)), file=sys.stderr); sys.exit(code)"
)


@pytest.fixture
def tag() -> Iterator[str]:
    """A name for an image that is removed in the end."""
    name = f"envbuild-unchanged-{secrets.token_hex(4)}"
    yield name
    subprocess.run(["docker", "image", "rm", "--force", name], capture_output=True, check=False)


@pytest.mark.engine
def test_a_build_that_changes_nothing_loads_little(road: Road, tag: str) -> None:
    base = ["--base", f"oci:{road.base}", "--server", "envbuild", "--bytecode", "off"]
    arguments = ["image", str(road.model), "-t", tag, *base, "-q"]
    first = road.run(*arguments)
    assert first.returncode == 0, first.stderr

    again = road.run_in_python(SCRIPT, *arguments)

    assert again.stdout == first.stdout
    loaded = set(json.loads(again.stderr.splitlines()[-1]))
    assert loaded & HEAVY == set()
    # Files that were written just now are noted once more, which takes seven.
    assert len(loaded) < 347


def test_roots_are_remembered_until_a_file_changes(road: Road) -> None:
    from envbuild import Options, load
    from envbuild.model.content import hash_files
    from envbuild.oci.store import Store
    from envbuild.roots import import_roots
    from envbuild.servers import choose_server

    store = Store(road.cache / "store")

    def roots() -> tuple[str, ...]:
        model = load(road.model, options=Options(cache=road.cache))
        server, _ = choose_server("envbuild", model.environment)
        return import_roots(model, hash_files(model, store.root), server, (), store)

    before = roots()
    assert len(store.key_files()) == 1
    assert roots() == before
    assert len(store.key_files()) == 1
    (road.model / "more.py").write_text("import colorsys\n")
    assert set(roots()) == {*before, "colorsys"}
