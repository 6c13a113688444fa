"""A model that brings a wheel of its own: built, and verified where no index has that wheel."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

from tinyroad import Road
from tinywheels import make_wheel

QUIET = {"DOCKER_HOST": "tcp://127.0.0.1:1"}
LINE = "code/of_our_own-1.0-py3-none-any.whl"


def test_its_wheel_is_in_the_image_wherever_the_model_lies(road: Road, tmp_path: Path) -> None:
    (road.model / "code").mkdir()
    make_wheel(road.model / "code", "of-our-own", requires=["packaging"])
    conda = road.model / "conda.yaml"
    conda.write_text(conda.read_text() + f"  - {LINE}\n")
    (road.model / "requirements.txt").write_text(conda.read_text().partition("- pip:\n")[2].replace("  - ", ""))
    first = road.config_digest("--output", f"oci-dir={road.folder / 'image'}")
    found = [path for path in (road.folder / "image" / "blobs" / "sha256").iterdir() if _holds(path)]
    assert found, "no layer has the package"
    shutil.move(road.model, tmp_path / "moved")
    road.model = tmp_path / "moved"
    assert road.config_digest(ENVBUILD_CACHE_DIR=str(tmp_path / "other")) == first
    # The image's own model has the wheel, so another machine needs no index for it.
    shutil.rmtree(road.model)
    done = road.run("verify", "image", "--own-base", ENVBUILD_CACHE_DIR=str(tmp_path / "third"), **QUIET)
    assert done.returncode == 0, done.stdout + done.stderr


def _holds(path: Path) -> bool:
    if not tarfile.is_tarfile(path):
        return False
    with tarfile.open(path) as tar:
        return any(name.endswith("site-packages/of_our_own/__init__.py") for name in tar.getnames())
