"""A signature is about one image: the old one's is left behind, and the new image gets its own where one asks."""

from __future__ import annotations

from pathlib import Path

import pytest
from cosigns import NO_WAY_OUT, PASSWORD, SUITES, fetch, generate
from rebasebench import Bench, moved, pushed
from registry import registry

from envbuild.options import PushOptions


@pytest.mark.registry
@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("suite", SUITES)
def test_the_new_image_is_signed_where_that_is_asked_for(
    bench: Bench,
    first: str,
    suite: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    cosign = fetch(suite, request.config)
    key, _ = generate(cosign, tmp_path, "team")
    for variable, value in {**NO_WAY_OUT, "ENVBUILD_COSIGN": str(cosign), "COSIGN_PASSWORD": PASSWORD}.items():
        monkeypatch.setenv(variable, value)
    base = bench.base()
    with registry(tmp_path / "registry") as address:
        name = f"{address}/team/signed"
        pushed(bench, first, f"{name}:1")
        found = moved(bench, f"{name}:1", base, f"{name}:2", push=PushOptions(sign_key=str(key)), old_base=first)
        assert found.pushed is not None
        assert found.pushed.signature is not None
        assert found.pushed.signature.made == 1
        assert not any("signature" in note for note in bench.listener.notes)
        moved(bench, f"{name}:2", first, f"{name}:3", old_base=base)
        assert any("signature" in note for note in bench.listener.notes)
