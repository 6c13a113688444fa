"""Provenance tells what was asked and what went in, by the schema of SLSA, and no secret, path or address of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage
from tinyimages import ARCHIVE, LOCAL, PRIVATE, PUBLIC, Made, built_from

from envbuild.attesting.attestations import Statement as Said
from envbuild.attesting.attestations import in_toto
from envbuild.attesting.provenance import PREDICATE, asked, provenance
from envbuild.oci.types import LAYER_GZIP, Layer
from envbuild.options import DockerOptions, Options

Tell = Callable[..., dict[str, Any]]


@pytest.fixture
def tell(made: Made) -> Tell:
    def of(options: Options | None = None, **changes: Any) -> dict[str, Any]:
        given = {"lock": made.lock, "base": made.base, "options": options or Options(), **changes}
        return provenance(made.plan, **given)

    return of


def test_it_is_valid_by_the_messages_of_in_toto_and_slsa(tell: Tell) -> None:
    predicate = tell(Options(server="envbuild", apt=("libgomp1",), keep_tests=True), created="2026-01-02T03:04:05Z")
    ParseDict(predicate, Provenance())  # a field that the message has not is an error
    said = json.loads(in_toto("sha256:" + "a" * 64, Said(predicate_type=PREDICATE, predicate=predicate)))
    Statement.copy_from_pb(ParseDict(said, StatementMessage())).validate()
    assert said["subject"] == [{"name": "_", "digest": {"sha256": "a" * 64}}]


def test_everything_that_went_in_is_named_by_its_hash(tell: Tell, made: Made) -> None:
    found = tell()["buildDefinition"]["resolvedDependencies"]
    hashes = {one["name"]: one["digest"]["sha256"] for one in found}
    assert hashes["debian:bookworm"] == "b" * 64
    assert hashes["libc6 2.36-9+deb12u9"] == "c" * 64
    wheel = made.lock.packages[0]
    assert hashes[wheel.filename] == wheel.sha256
    planned = {file.path.rpartition("/")[2]: file.sha256 for layer in made.plan.layers for file in layer.files}
    assert hashes["model/MLmodel"] == planned["MLmodel"]
    assert hashes["model/big.bin"] == planned["big.bin"]
    assert len(found) == 1 + 1 + 3 + 2


def test_what_was_built_names_its_source_beside_the_wheel(tell: Tell, made: Made) -> None:
    predicate = tell(lock=built_from(made.lock, ARCHIVE, PUBLIC, LOCAL))
    ParseDict(predicate, Provenance())
    found = predicate["buildDefinition"]["resolvedDependencies"]
    names = [one["name"] for one in found]
    alpha, beta, gamma = (names.index(package.filename) for package in made.lock.packages)
    assert found[alpha]["digest"] == {"sha256": made.lock.packages[0].sha256}
    assert found[alpha + 1] == {
        "uri": "pkg:pypi/alpha@1.0?file_name=alpha-1.0.tar.gz",
        "name": "alpha-1.0.tar.gz",
        "digest": {"sha256": "e" * 64},
    }
    assert found[beta + 1] == {
        "uri": f"git+ssh://example.org/me/beta.git@{'f' * 40}#subdirectory=python",
        "name": "beta-lib, a git repository",
        "digest": {"gitCommit": "f" * 40},
    }
    assert found[gamma + 1] == {"name": "gamma, a git repository", "digest": {"gitCommit": "d" * 40}}
    text = json.dumps([predicate, tell(lock=built_from(made.lock, PRIVATE))])
    assert not [word for word in ("somebody", "secret", "index.example", "10.0.0.7", "//git@") if word in text]


def test_layers_that_were_taken_unseen_are_told_as_such(tell: Tell) -> None:
    layer = Layer(diff_id="sha256:" + "d" * 64, digest="sha256:" + "e" * 64, size=3, media_type=LAYER_GZIP)
    predicate = tell(unseen=[("numpy 1.0", layer)])
    ParseDict(predicate, Provenance())
    assert predicate["buildDefinition"]["resolvedDependencies"][-1] == {
        "name": "layer: numpy 1.0",
        "digest": {"sha256": "e" * 64},
        "mediaType": LAYER_GZIP,
        "annotations": {"dev.envbuild.unseen": True, "dev.envbuild.diff-id": "sha256:" + "d" * 64},
    }


def test_there_is_no_time_but_a_given_one(tell: Tell) -> None:
    assert "metadata" not in tell()["runDetails"]
    assert tell() == tell()
    told = tell(created="2026-01-02T03:04:05Z")["runDetails"]["metadata"]
    assert set(told.values()) == {"2026-01-02T03:04:05Z"}


def test_no_path_secret_or_address_is_told(tell: Tell) -> None:
    options = Options(
        scoring_script=Path("/home/somebody/score.py"),
        code=Path("/home/somebody/code"),
        environment=Path("/home/somebody/conda.yaml"),
        base="oci-archive:/home/somebody/base.tar",
        requirements=(
            "numpy>=1",
            "mine @ https://user:hunter2@index.example/mine.whl",
            "/home/somebody/x.whl",
            "C:\\somebody\\y.whl",
        ),
        env=(("TOKEN", "hunter2"),),
        labels=(("team", "hunter2"),),
        cache=Path("/home/somebody/cache"),
        index_url="https://user:hunter2@index.example/simple",
        extra_index_urls=("corp=https://user:hunter2@index.example/more",),
        find_links=("/home/somebody/wheels",),
        as_of="2023-12-20",
        docker=DockerOptions(
            build_args=(("PASSWORD", "hunter2"),),
            secrets=("id=x,src=/home/somebody/x",),
            templates=Path("/home/somebody"),
        ),
    )
    told = asked(options)
    text = json.dumps(tell(options))
    assert not [word for word in ("somebody", "hunter2", "index.example", "secret@") if word in text]
    assert told["requirements"] == ["numpy>=1", "mine @ (an address)", "(an address)", "(an address)"]
    assert (told["env"], told["labels"], told["base"]) == (["TOKEN"], ["team"], "oci-archive")
    assert told["as_of"] == "2023-12-20"
    assert told["index_url"] is told["find_links"] is told["scoring_script"] is told["environment"] is True
    assert told["docker"] == {"build_args": ["PASSWORD"], "secrets": 1, "templates": True}


def test_a_path_is_told_of_no_option_whatever_its_name() -> None:
    """Also of one that is new, and that nobody thought of here."""
    for field in fields(Options):
        told = asked(
            replace(Options(), **{field.name: Path("/home/somebody")}) if field.name != "docker" else Options()
        )
        assert "somebody" not in json.dumps(told), field.name


def test_the_defaults_are_not_told_and_the_name_of_an_image_is() -> None:
    assert asked(Options()) == {}
    assert asked(Options(base="docker.io/library/python:3.11-slim")) == {"base": "docker.io/library/python:3.11-slim"}


def test_another_model_file_is_another_model(tell: Tell, made: Made) -> None:
    before = tell()["buildDefinition"]["externalParameters"]["model"]
    assert before["id"] == "m-1"
    *others, last = made.plan.layers
    changed = replace(last, files=tuple(replace(file, sha256="9" * 64) for file in last.files))
    made.plan = replace(made.plan, layers=(*others, changed))
    after = provenance(made.plan, lock=made.lock, base=made.base, options=Options())
    assert after["buildDefinition"]["externalParameters"]["model"]["digest"] != before["digest"]
