"""The lock as pip reads it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from envbuild.backends.dockerfile.requirements import requirements_text
from envbuild.errors import UsageError


def test_each_package_is_one_line_with_its_hash(bench: Any) -> None:
    packages = bench.packages()
    text = requirements_text(packages, bench.lock(packages))
    assert text.splitlines()[1:] == [
        f"alpha==1.0 --hash=sha256:{'a' * 64}",
        f"numpy==1.0 --hash=sha256:{'c' * 64}",
        f"zeta==1.0 --hash=sha256:{'e' * 64}",
    ]
    assert "index.example" not in text


def test_what_was_asked_for_by_address_is_asked_for_so_again(bench: Any) -> None:
    packages = bench.packages()
    address = "https://files.example/Numpy-1.0-py3-none-any.whl"
    for asked in (f"NumPy @ {address}#md5=abc", f"numpy[extra] @ {address} ; python_version > '3'", f"numpy@{address}"):
        lines = requirements_text(packages, bench.lock(packages, "zeta", asked)).splitlines()
        assert lines[2] == f"numpy @ {address} --hash=sha256:{'c' * 64}"


def test_a_build_of_torch_is_fetched_by_its_address_for_no_index_that_pip_knows_has_it(bench: Any) -> None:
    plain = bench.packages()
    url = "https://mirror.example/whl/cu121/torch-2.1.0%2Bcu121-cp311-cp311-linux_x86_64.whl"
    build = replace(plain[0], name="torch", version="2.1.0+cu121", url=url)
    lines = requirements_text((build,), bench.lock((build,))).splitlines()
    assert lines[1] == f"torch @ {url} --hash=sha256:{plain[0].sha256}"
    for other in (replace(build, version="2.1.0"), replace(build, name="own"), replace(build, url="file:///torch.whl")):
        assert f"{other.name}=={other.version} " in requirements_text((other,), bench.lock((other,)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", "1.0\n--index-url=http://evil.example"),
        ("version", "1.0 --pre"),
        ("name", "a; b"),
        ("sha256", "x\n"),
    ],
)
def test_what_would_not_stay_one_word_is_refused(bench: Any, field: str, value: str) -> None:
    packages = (replace(bench.packages()[0], **{field: value}),)
    with pytest.raises(UsageError):
        requirements_text(packages, bench.lock(packages))


def test_pip_reads_it(bench: Any, tmp_path: Any) -> None:
    pip = pytest.importorskip("pip._internal.req.req_file")
    from pip._internal.network.session import PipSession

    packages = bench.packages()
    asked = "numpy @ https://files.example/numpy-1.0-py3-none-any.whl"
    (tmp_path / "requirements.txt").write_text(requirements_text(packages, bench.lock(packages, asked)))
    rows = list(pip.parse_requirements(str(tmp_path / "requirements.txt"), session=PipSession()))
    assert [row.requirement for row in rows] == ["alpha==1.0", asked, "zeta==1.0"]
    assert [row.options["hashes"] for row in rows] == [{"sha256": [p.sha256]} for p in packages]
