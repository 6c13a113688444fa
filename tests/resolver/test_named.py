"""Places of packages that are none are refused by the option or the variable, and without what may be a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from envbuild.errors import UsageError
from envbuild.resolver.named import check_index, check_links, check_variables, shown
from envbuild.resolver.torch import torch_builds

AT = "127.0.0.1:9/simple"
WRITTEN = [
    f"https://u:{password}@{AT}"
    for password in (
        *("XSEC ZSEC", "XSEC\tZSEC", "XSEC/ZSEC", "XSEC#ZSEC", "XSEC?ZSEC", "XSEC\\ZSEC", "XSEC[ZSEC", "p@ss/XSEC"),
        *("XSEC@ZSEC/QSEC", "XSEC/ZSEC@QSEC", "@XSEC/@ZSEC", "/XSEC", "#XSEC@ZSEC", "?XSEC", "XSEC,Z SEC", "12/XSEC"),
    )
]
MISTYPED = [
    *(f"u:XSEC@{AT}", f"https:/u:XSEC@{AT}", f"htps://u:XSEC@{AT}", f"ftp://u:XSEC@{AT}", f"//u:XSEC@{AT}"),
    *("https://u:XSEC@127.0.0.1:port/simple", "https://u:XSEC@/simple", f"corp=https:u:XSEC@{AT}"),
]
FINE = [
    *("https://pypi.example/simple", "http://u:p%40ss%2F@nexus:8081/simple/", "https://tok@h/simple"),
    *("https://pkgs.example/o/_packaging/feed@Local/pypi/simple/", "https://u:p@ss@pkgs.example/feed@Local/simple"),
    *("http://localhost/feed@v1/simple", "http://[::1]:80/simple"),
]


def refused(caught: pytest.ExceptionInfo[UsageError]) -> str:
    text = f"{caught.value.message} {caught.value.hint}"
    assert "SEC" not in text and "%2F" in text and "%40" in text
    return text


@pytest.mark.parametrize("address", WRITTEN + MISTYPED)
def test_an_address_that_is_none_is_refused_without_its_password(address: str) -> None:
    with pytest.raises(UsageError, match=r"^--index-url @[^ ]*simple: this is no address") as caught:
        check_index("--index-url", address)
    refused(caught)
    with pytest.raises(UsageError, match=r"^--find-links @") as caught:
        check_links("--find-links", address)
    refused(caught)


@pytest.mark.parametrize("address", WRITTEN + MISTYPED)
@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"])
def test_so_it_is_in_a_variable(address: str, variable: str) -> None:
    for value in (address, f"https://pypi.example/simple{',' if 'LINKS' in variable else ' '}{address}"):
        with pytest.raises(UsageError, match=f"^{variable} ") as caught:
            check_variables({variable: value})
        refused(caught)


@pytest.mark.parametrize("address", FINE)
def test_what_is_an_address_is_taken(address: str) -> None:
    check_index("--index-url", address, named=False)
    check_index("--extra-index-url", f"corp={address}")
    check_links("--find-links", address)
    for variable in ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_FIND_LINKS"):
        check_variables({variable: address, "UV_INDEX_URL": f" {address}\n"})
    check_variables({"UV_INDEX": f"one={address} {address}", "UV_FIND_LINKS": f"{address},{address}"})


def test_folders_have_to_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a b").mkdir()
    (tmp_path / "simple").mkdir()
    check_variables(
        {"UV_FIND_LINKS": f"a b,./simple, {tmp_path.as_uri()}/a%20b", "UV_INDEX": "corp=./simple simple one=simple"}
    )
    check_index("--index-url", f"{tmp_path.as_uri()}/simple")
    gone = f"{tmp_path.as_uri()}/gone"
    for variable, value in {
        "UV_FIND_LINKS": "./simple,./gone",
        "UV_INDEX": "corp=gone",
        "UV_DEFAULT_INDEX": gone,
    }.items():
        with pytest.raises(UsageError, match=f"^{variable} .*gone: there is no such folder"):
            check_variables({variable: value})
    with pytest.raises(UsageError, match=r"^--extra-index-url .*gone: there is no such folder"):
        check_index("--extra-index-url", f"corp={gone}")
    with pytest.raises(UsageError, match=r"^--find-links .*gone: there is no such folder"):
        check_links("--find-links", gone)


def test_a_name_is_told_without_what_follows() -> None:
    with pytest.raises(UsageError, match=r"^--index-url corp=@h/simple: the index takes no name") as caught:
        check_index("--index-url", "corp=https://u:XSEC@h/simple", named=False)
    assert "SEC" not in caught.value.message


def test_what_is_shown_of_an_address_has_no_token_of_its_query() -> None:
    assert shown("htp://h/simple?token=abc") == "htp://h/simple?token=***"
    assert shown("u:p@x@h/simple?token=abc ") == "@h/simple?token=***"


@pytest.mark.parametrize(
    "mirror", [f"http://u:XSEC ZSEC@{AT}", f"u:XSEC@{AT}", f"htp://u:XSEC@{AT}", f"http://u:/XSEC@{AT}"]
)
def test_a_mirror_of_pytorch_that_is_none(mirror: str) -> None:
    with pytest.raises(UsageError, match=r"^ENVBUILD_PYTORCH_INDEX is @127") as caught:
        torch_builds("cpu", {"ENVBUILD_PYTORCH_INDEX": mirror})
    refused(caught)
