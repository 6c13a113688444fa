"""An image on another base is the image that a build on that base makes, or there is none, and it is said why."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from rebasebench import Bench, opened

from envbuild.built import Built
from envbuild.errors import BaseImageError, EnvbuildError, IntegrityError, UsageError
from envbuild.rebasing.types import Rebased

AZURE = ["AZUREML_CONDA_ENVIRONMENT_PATH=/usr/local", "AZUREML_ENTRY_SCRIPT=x.py"]


def same(bench: Bench, found: Rebased, wanted: Built) -> None:
    """Both are one image: config, layers, manifest."""
    one, other = (opened(path, bench.store) for path in (found.path, wanted.path))
    assert one.config == other.config
    assert one.config_digest == other.config_digest == found.config_digest
    assert [layer.diff_id for layer in one.layers] == [layer.diff_id for layer in other.layers]
    assert one.manifest_digest == other.manifest_digest == found.manifest_digest


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"python": "3.11.14"},
        {"prefix": "usr", "python": "3.11.2"},
        {"glibc": "2.41"},
        {"environment": ["LANG=de_DE.UTF-8", "HOME=/root", "VIRTUAL_ENV=/x", "PYTHONHOME=/y", "NEW=1"]},
        {
            "settings": {
                "Labels": {"maintainer": "new", "dev.envbuild.server": "x"},
                "User": "me",
                "Volumes": {"/d": {}},
            }
        },
        {"settings": {"ExposedPorts": {"80/tcp": {}, "5001/tcp": {}}, "Healthcheck": {"Test": ["CMD", "x"]}, "Own": 1}},
        {"author": "somebody", "os.version": "12", "created": "2021-01-01T00:00:00Z"},
        {"environment": AZURE, "settings": {"User": "dockeruser"}},
    ],
    ids=["layers", "patch", "path", "glibc", "variables", "labels", "ports", "keys", "azure"],
)
def test_it_is_the_image_that_a_build_makes(bench: Bench, image: Built, settings: dict[str, Any]) -> None:
    base = bench.base(**settings)
    same(bench, bench.rebase(image.path, base), bench.build(base))


def test_what_a_person_gave_stays_whatever_a_base_says_of_it(bench: Bench, first: str) -> None:
    choices: dict[str, Any] = {
        "env": (
            ("ZED", "1"),
            ("LD_HINT", "mine"),
            ("PYTHON_VERSION", "3.11.9"),
            ("PATH", "/mine"),
            ("LANG", "C.UTF-8"),
        ),
        "labels": (
            ("maintainer", "old"),
            ("team", "a"),
            ("org.opencontainers.image.title", "Ours"),
            ("dev.envbuild.base.name", "mine"),
        ),
    }
    built = bench.build(first, **choices)
    base = bench.base(environment=["PYTHON_VERSION=3.11.10", "LANG=x"], settings={"Labels": {"team": "b"}})
    found = bench.rebase(built.path, base)
    same(bench, found, bench.build(base, **choices))
    settings = opened(found.path, bench.store).config["config"]
    assert {"PYTHON_VERSION=3.11.9", "PATH=/mine", "LANG=C.UTF-8", "LD_HINT=mine"} <= set(settings["Env"])
    assert settings["Labels"]["maintainer"] == "old"


def test_from_a_base_like_azures_to_a_plain_one_and_back(bench: Bench, image: Built, first: str) -> None:
    azure = bench.base(environment=AZURE, settings={"User": "dockeruser"}, python="3.11.4")
    there = bench.rebase(image.path, azure)
    back = bench.rebase(there.path, first)
    assert back.config_digest == image.config_digest
    assert [layer.how for layer in back.layers if layer.title.startswith("server ")] == ["written"]


def test_own_layers_are_kept_blob_for_blob(bench: Bench, image: Built) -> None:
    found = bench.rebase(image.path, bench.base(python="3.11.12"))
    assert {layer.title: layer.how for layer in found.layers if layer.how == "written"}.keys() == {
        "server envbuild",
        "what it was made from",
    }
    before, after = (opened(path, bench.store).layers for path in (image.path, found.path))
    kept = [layer.title for layer in found.layers if layer.how == "kept"]
    assert len(kept) > 4
    assert len(set(before[2:]) & set(after[2:])) == len(kept)
    assert (found.python, found.changed, found.before.digest) == ("3.11.12", True, image.plan.base_digest)


@pytest.mark.parametrize("output", ["oci-archive", "docker-archive"])
def test_archives_are_read_and_written(bench: Bench, first: str, output: str) -> None:
    built, base = bench.build(first, output=output), bench.base()
    found = bench.rebase(built.path, base, output=output)
    wanted = bench.build(base, output=output)
    assert found.path is not None
    assert wanted.path is not None
    assert found.path.read_bytes() == wanted.path.read_bytes()


def test_an_archive_without_a_manifest_of_its_own_is_read(bench: Bench, first: str, tmp_path: Path) -> None:
    """`docker save` of old engines: no annotations, and no manifest."""
    import tarfile

    built, base = bench.build(first, output="docker-archive"), bench.base()
    assert built.path is not None
    with tarfile.open(built.path) as source, tarfile.open(tmp_path / "saved.tar", "w") as target:
        for member in source:
            if member.name not in ("index.json", "oci-layout"):
                target.addfile(member, source.extractfile(member) if member.isreg() else None)
    found = bench.rebase(f"docker-archive:{tmp_path / 'saved.tar'}", base)
    same(bench, found, bench.build(base))


def test_the_same_base_changes_nothing_and_writes_nothing(bench: Bench, image: Built, first: str) -> None:
    before = bench.written()
    found = bench.rebase(image.path, first)
    assert (found.changed, found.config_digest, found.layers) == (False, image.config_digest, ())
    assert any("nothing changes" in note for note in bench.listener.notes)
    (warning,) = bench.listener.warnings
    assert "-t tiny:latest, --output oci-dir=" in warning
    assert bench.written() == before


def refused(bench: Bench, image: object, base: str, kind: type[EnvbuildError], **wishes: Any) -> EnvbuildError:
    """What a rebase is refused with; nothing is written."""
    before = bench.written()
    with pytest.raises(kind) as caught:
        bench.rebase(image, base, **wishes)
    assert bench.written() == before
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"python": "3.12.1"}, "Python: the image's packages are for Python 3.11, and BASE has 3.12.1"),
        ({"python": "3.11.0rc1"}, "Python: 3.11.9 and 3.11.0rc1 are not both released versions"),
        ({"glibc": "2.27"}, "glibc: .*native-1.0.* needs glibc 2.28, and BASE has 2.27"),
        ({"libraries": ["libz.so.1"]}, "libraries: .*native/_native.* needs libgomp.so.1, which .* and BASE has not"),
    ],
    ids=["minor", "candidate", "glibc", "library"],
)
def test_a_base_that_lacks_something_is_refused_by_name(
    bench: Bench, image: Built, first: str, settings: dict[str, Any], told: str, known: bool
) -> None:
    """Whether this machine knows what the wheels hold, or has to look."""
    base = bench.base(**settings)
    with nullcontext() if known else bench.empty_cache():
        error = refused(bench, image.path, base, BaseImageError, old_base=first)
    assert re.search(told.replace("BASE", re.escape(base)), error.message)
    assert f"envbuild image MODEL --base {base}" in error.hint
    assert error.exit_code == 5


def test_all_that_is_wrong_is_told_at_once(bench: Bench, image: Built) -> None:
    message = refused(bench, image.path, bench.base(glibc="2.17", libraries=[]), BaseImageError).message
    assert "glibc: " in message
    assert "needs libgomp.so.1, libz.so.1, which the image's base has" in message


def test_a_library_that_no_base_had_is_missed_by_nobody(bench: Bench, image: Built) -> None:
    """libnever.so.9 is asked for by a module, and the image runs without it as ever."""
    assert bench.rebase(image.path, bench.base()).changed


def test_a_base_that_cannot_be_one_is_refused(bench: Bench, image: Built, tmp_path: Path) -> None:
    assert "linux/arm64" in refused(bench, image.path, bench.base(architecture="arm64"), BaseImageError).message
    assert "musl" in refused(bench, image.path, bench.base(musl=True), BaseImageError).message
    assert "nowhere" in refused(bench, image.path, f"oci:{tmp_path}/nowhere", BaseImageError).message
    assert "--base auto" in refused(bench, image.path, "auto", UsageError).message
    assert "--apt libgomp1" in refused(bench, image.path, bench.base(), UsageError, apt=("libgomp1",)).message


def test_an_image_of_something_else_is_refused(bench: Bench, first: str) -> None:
    error = refused(bench, first.removeprefix("oci:"), bench.base(), UsageError)
    assert "was not made by envbuild" in error.message


def test_an_image_for_another_platform_than_asked_is_refused(bench: Bench, image: Built) -> None:
    error = refused(bench, image.path, bench.base(), BaseImageError, platform="linux/arm64")
    assert "not there for linux/arm64" in error.message


def altered(image: Built, target: Path, change: Any) -> Path:
    """A copy of the image with another config."""
    from envbuild.oci.canonical import canonical_json, sha256_digest

    assert image.path is not None
    shutil.copytree(image.path, target)

    def document(digest: str) -> Any:
        return json.loads((target / "blobs" / "sha256" / digest[7:]).read_bytes())

    def put(value: Any) -> dict[str, Any]:
        data = canonical_json(value)
        (target / "blobs" / "sha256" / sha256_digest(data)[7:]).write_bytes(data)
        return {"digest": sha256_digest(data), "size": len(data)}

    index = json.loads((target / "index.json").read_bytes())
    manifest = document(index["manifests"][0]["digest"])
    config = document(manifest["config"]["digest"])
    change(config, manifest)
    manifest["config"] |= put(config)
    index["manifests"][0] |= put(manifest)
    (target / "index.json").write_bytes(canonical_json(index))
    return target


def test_an_image_that_was_altered_is_refused(bench: Bench, image: Built, tmp_path: Path) -> None:
    def user(config: Any, manifest: Any) -> None:
        config["config"]["User"] = "0"

    def order(config: Any, manifest: Any) -> None:
        manifest["layers"][:2] = manifest["layers"][1::-1]
        config["rootfs"]["diff_ids"][:2] = config["rootfs"]["diff_ids"][1::-1]

    def lock(config: Any, manifest: Any) -> None:
        config["config"]["Labels"]["dev.envbuild.lock"] = "sha256:" + "0" * 64

    def history(config: Any, manifest: Any) -> None:
        config["history"][-1]["created_by"] = "COPY model /"

    base = bench.base()
    for number, (change, told) in enumerate(
        [
            (user, "is not what this envbuild makes"),
            (order, "does not lie on"),
            (lock, "is not what"),
            (history, "engine"),
        ]
    ):
        path = altered(image, tmp_path / str(number), change)
        assert told in refused(bench, path, base, BaseImageError).message


def test_the_word_of_an_image_on_other_layers_is_not_taken_for_its_base(
    bench: Bench, image: Built, tmp_path: Path
) -> None:
    """It names the base that is wanted, and lies on the layers of another."""
    base = bench.base()
    wanted = bench.rebase(image.path, base).after.digest

    def named(config: Any, manifest: Any) -> None:
        config["config"]["Labels"]["dev.envbuild.base.digest"] = wanted

    path = altered(image, tmp_path / "named", named)
    assert "does not lie on the layers of the base" in refused(bench, path, base, BaseImageError).message
    assert bench.listener.notes == []


def test_a_damaged_layout_is_refused(bench: Bench, image: Built, first: str, tmp_path: Path) -> None:
    assert image.path is not None
    largest = max(image.layers, key=lambda layer: layer.size).diff_id
    for number, damage in enumerate(["cut", "other", "gone"]):
        path = tmp_path / str(number)
        shutil.copytree(image.path, path)
        blob = path / "blobs" / "sha256" / largest[7:]
        data = blob.read_bytes()
        blob.unlink()
        if damage != "gone":
            blob.write_bytes(data[:-512] if damage == "cut" else data[:-1] + b"x")
        kind = BaseImageError if damage == "gone" else IntegrityError
        with bench.empty_cache():
            refused(bench, path, bench.base(), kind, old_base=first)


def test_of_several_platforms_the_others_are_warned_of(bench: Bench, image: Built, tmp_path: Path) -> None:
    assert image.path is not None
    arm = Path(bench.base(architecture="arm64").removeprefix("oci:"))
    both = tmp_path / "both"
    shutil.copytree(arm, both)
    shutil.copytree(image.path, both, dirs_exist_ok=True)
    index = json.loads((both / "index.json").read_bytes())
    index["manifests"] += json.loads((arm / "index.json").read_bytes())["manifests"]
    (both / "index.json").write_text(json.dumps(index))
    assert bench.rebase(both, bench.base(), platform="linux/amd64").changed
    assert ["linux/arm64" in warning for warning in bench.listener.warnings] == [True]


def test_a_damaged_entry_of_the_cache_is_a_miss(bench: Bench, image: Built) -> None:
    base = bench.base()
    wanted = bench.rebase(image.path, base)
    for how in ("base", "kept"):
        layer = max((one for one in wanted.layers if one.how == how), key=lambda one: one.size)
        blob = bench.store.blob(layer.diff_id)
        data = blob.read_bytes()
        blob.unlink()
        blob.write_bytes(bytes([data[0] ^ 1]) + data[1:])
        found = bench.rebase(image.path, base)
        assert found.manifest_digest == wanted.manifest_digest
        assert [warning.partition(" was ")[2] for warning in bench.listener.warnings] == ["damaged and is made anew"]
        assert opened(found.path, bench.store).layers == opened(wanted.path, bench.store).layers
