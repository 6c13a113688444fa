"""What the tests may rely on: a marker names what a test needs, and the test skips with a reason without it.

ENVBUILD_TEST_REQUIRE=engine,registry,network,browser,sandbox makes a missing thing a failure instead of a skip.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent

# The commands that tests run start as they do for a person: with their bytecode kept.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A shell without job control starts what runs in the background deaf to Ctrl-C, and nohup deafens to a hang-up; the
# tests of interrupts send both.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# What tests ask of servers, they ask of this machine. Left to itself, urllib keeps for good the proxies that were set
# at its first request, which one test may have set for itself alone.
urllib.request.install_opener(urllib.request.build_opener(urllib.request.ProxyHandler({})))


@functools.cache
def lacks_engine() -> str:
    """Why there is no engine, or nothing."""
    from envbuild.errors import EngineError
    from envbuild.shipping.engine import connect

    if shutil.which("docker") is None:
        return "the docker client is not installed"
    try:
        return "" if connect(required=False) else "no Docker engine answers"
    except EngineError as error:
        return error.message


@functools.cache
def lacks_registry() -> str:
    """Which of the registry's tools is missing, or nothing."""
    missing = [tool for tool in ("docker-registry", "skopeo") if shutil.which(tool) is None]
    return f"not installed: {', '.join(missing)}" if missing else ""


@functools.cache
def lacks_network() -> str:
    """Why no package index can be reached, or nothing."""
    import uv

    command = [uv.find_uv_bin(), "pip", "compile", "--quiet", "--no-cache", "--no-deps", "-"]
    try:
        done = subprocess.run(command, input=b"installer", capture_output=True, timeout=30, check=False)
    except subprocess.TimeoutExpired:
        return "the package index does not answer"
    return "" if done.returncode == 0 else "the package index cannot be reached"


@functools.cache
def lacks_browser() -> str:
    """Which part of the browser is missing, or nothing."""
    missing = [tool for tool in ("chromium", "chromedriver") if shutil.which(tool) is None]
    return f"not installed: {', '.join(missing)}" if missing else ""


LACKS = {"engine": lacks_engine, "registry": lacks_registry, "network": lacks_network, "browser": lacks_browser}


PROOFS = tuple(REPOSITORY / "tests" / folder for folder in ("facts", "linter/proofs", "benchmarks"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests of what others publish: they are run when facts or rules change, not with every change."""
    for item in items:
        if item.get_closest_marker("slow") and any(item.path.is_relative_to(folder) for folder in PROOFS):
            item.add_marker("proof")


def pytest_runtest_setup(item: pytest.Item) -> None:
    required = os.environ.get("ENVBUILD_TEST_REQUIRE", "").split(",")
    for name, lacks in LACKS.items():
        if item.get_closest_marker(name) is None:
            continue
        why = lacks()
        if why and name in required:
            pytest.fail(f"ENVBUILD_TEST_REQUIRE names {name}: {why}", pytrace=False)
        if why:
            pytest.skip(f"needs {name}: {why}")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def fixture_models() -> Path:
    """The folder of the committed models."""
    return REPOSITORY / "fixtures" / "models"
