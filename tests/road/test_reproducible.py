"""Equal inputs give equal images, wherever and whenever; what changed is all that is made anew."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tinyroad import Road


def test_another_folder_clock_zone_and_mask_change_nothing(road: Road, tmp_path: Path) -> None:
    first = road.config_digest()
    elsewhere = tmp_path / "a folder" / "with-another-name"
    shutil.copytree(road.model, elsewhere)
    road.model = elsewhere
    script = 'umask 077; exec "$@"'
    command = road.command(*road.image_arguments(tmp_path / "other.tar", "--json"))
    done = subprocess.run(
        ["sh", "-c", script, "sh", *command],
        capture_output=True,
        text=True,
        env=road.variables(
            TZ="Pacific/Chatham", LC_ALL="C", PYTHONHASHSEED="7", ENVBUILD_CACHE_DIR=str(tmp_path / "other-cache")
        ),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["config_digest"] == first
    assert (tmp_path / "other.tar").read_bytes() == (road.folder / "tiny.tar").read_bytes()


def test_another_tag_gives_the_same_image(road: Road) -> None:
    assert road.config_digest() == road.config_digest("-t", "other:v2")


@pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's")
def test_a_warm_cache_needs_no_network(road: Road, tmp_path: Path) -> None:
    first = road.config_digest()
    command = road.command(*road.image_arguments(tmp_path / "offline.tar", "--json"))
    done = subprocess.run(
        ["unshare", "--net", "--map-root-user", *command],
        capture_output=True,
        text=True,
        env=road.variables(),
        check=False,
    )
    if "unshare failed" in done.stderr or "unshare:" in done.stderr:
        pytest.skip(f"no network namespace can be made here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["config_digest"] == first


def test_one_changed_byte_makes_only_the_layer_of_the_model_and_the_record_new(road: Road) -> None:
    before = json.loads(road.image("--json").stdout)
    weights = road.model / "weights.bin"
    data = bytearray(weights.read_bytes())
    data[0] ^= 1
    weights.write_bytes(data)
    after = json.loads(road.image("--json").stdout)
    new = [layer["kind"] for layer in after["layers"] if not layer["cached"]]
    assert new == ["model", "record"]
    assert after["config_digest"] != before["config_digest"]
    assert [a["diff_id"] for a in after["layers"][:-2]] == [b["diff_id"] for b in before["layers"][:-2]]


def test_nothing_changed_means_that_nothing_is_made(road: Road) -> None:
    first = json.loads(road.image("--json").stdout)
    assert not any(layer["cached"] for layer in first["layers"])
    again = json.loads(road.image("--json").stdout)
    assert all(layer["cached"] for layer in again["layers"])


def test_nothing_of_this_machine_enters_the_image(road: Road) -> None:
    assert road.image().returncode == 0
    data = (road.folder / "tiny.tar").read_bytes()
    for trace in (str(road.folder), road.index_url, str(Path.home()), "127.0.0.1:"):
        assert trace.encode() not in data


def test_the_source_date_is_the_only_clock(road: Road) -> None:
    plain = road.config_digest()
    dated = road.config_digest(SOURCE_DATE_EPOCH="1700000000")
    assert plain != dated
    assert dated == road.config_digest(SOURCE_DATE_EPOCH="1700000000")


def test_what_stays_out_of_the_image_changes_nothing(road: Road) -> None:
    first = road.config_digest()
    (road.model / ".git").mkdir()
    (road.model / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (road.model / ".env").write_text("TOKEN=secret\n")
    assert road.config_digest() == first
