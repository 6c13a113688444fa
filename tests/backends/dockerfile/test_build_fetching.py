"""What a build is told of indexes, proxies and certificates."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from envbuild.backends.dockerfile.fetching import Fetching, settings_for
from envbuild.errors import UsageError

INDEX = "https://pypi.example.com/simple"
SECRET = "s3cr3t:/@pw"  # what must be quoted in an address
PRIVATE = "https://me:s3cr3t%3A%2F%40pw@pypi.example.com/simple"


def given(tmp_path: Path, *, buildkit: bool = True, wheels: str = "index", network: str = "", **env: str) -> Fetching:
    environ = {"HOME": str(tmp_path), **env}
    return settings_for(buildkit=buildkit, wheels=wheels, network=network, local=True, environ=environ)


def parsed(text: str) -> dict[str, list[str]]:
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    return {name: value.split() for name, value in parser["global"].items()}


def test_nothing_set_says_nothing(tmp_path: Path) -> None:
    assert given(tmp_path) == Fetching()
    assert given(tmp_path, buildkit=False) == Fetching()


def test_buildkit_gets_uvs_indexes_as_a_pip_conf(tmp_path: Path) -> None:
    found = given(
        tmp_path,
        UV_DEFAULT_INDEX=INDEX,
        UV_INDEX="team=https://team.example.com/simple http://plain.example.com:81/simple",
        UV_EXTRA_INDEX_URL="https://more.example.com/simple",
        UV_FIND_LINKS="https://links.example.com/wheels,/srv/wheels",
        UV_INSECURE_HOST="odd.example.com",
    )
    assert parsed(found.pip_conf) == {
        "index-url": [INDEX],
        "extra-index-url": [
            "https://team.example.com/simple",
            "http://plain.example.com:81/simple",
            "https://more.example.com/simple",
        ],
        "find-links": ["https://links.example.com/wheels"],
        "trusted-host": ["odd.example.com", "plain.example.com:81"],
    }
    assert found.args == {}


def test_a_mirror_of_pytorch_is_one_more_index_that_pip_logs_in_to(tmp_path: Path) -> None:
    address = "https://bob:s3cret@mirror.example.com/whl"
    found = given(tmp_path, ENVBUILD_PYTORCH_INDEX=address)
    assert parsed(found.pip_conf)["extra-index-url"] == [address]
    assert "s3cret" in found.hidden
    assert found.args == {}
    with pytest.raises(UsageError, match=r"mirror\.example\.com wants credentials"):
        given(tmp_path, buildkit=False, ENVBUILD_PYTORCH_INDEX=address)


def test_the_classic_builder_gets_them_as_build_arguments(tmp_path: Path) -> None:
    found = given(
        tmp_path, buildkit=False, UV_DEFAULT_INDEX=INDEX, UV_INDEX="http://a.example.com/s http://b.example.com/s"
    )
    assert found.args == {
        "PIP_INDEX_URL": INDEX,
        "PIP_EXTRA_INDEX_URL": "http://a.example.com/s http://b.example.com/s",
        "PIP_TRUSTED_HOST": "a.example.com b.example.com",
    }
    assert found.pip_conf == ""


def test_pips_own_index_is_not_taken_and_that_is_told(tmp_path: Path) -> None:
    found = given(tmp_path, PIP_INDEX_URL=INDEX)
    assert found.pip_conf == ""
    assert found.args == {}
    assert any("PIP_INDEX_URL is not read" in note for note in found.notes)


@pytest.mark.parametrize("place", ["address", "name", "netrc"])
def test_credentials_are_a_secret_of_buildkit_and_never_an_argument(tmp_path: Path, place: str) -> None:
    env = {"UV_DEFAULT_INDEX": PRIVATE}
    if place == "name":
        env = {"UV_INDEX": f"corp={INDEX}", "UV_INDEX_CORP_USERNAME": "me", "UV_INDEX_CORP_PASSWORD": SECRET}
    if place == "netrc":
        (tmp_path / ".netrc").write_text(f"machine pypi.example.com login me password {SECRET}\n")
        env = {"UV_DEFAULT_INDEX": INDEX}
    found = given(tmp_path, **env)
    (addresses,) = parsed(found.pip_conf).values()
    assert addresses == [PRIVATE]
    assert SECRET in found.hidden
    assert found.args == {}
    assert SECRET not in "".join(found.notes)


def test_credentials_and_the_classic_builder_do_not_go_together(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        given(tmp_path, buildkit=False, UV_DEFAULT_INDEX=PRIVATE)
    assert "pypi.example.com" in caught.value.message
    assert "s3cr3t" not in caught.value.message + caught.value.hint
    assert "--wheels context" in caught.value.hint
    assert "BuildKit" in caught.value.hint


def test_wheels_that_go_along_need_no_index(tmp_path: Path) -> None:
    found = given(tmp_path, buildkit=False, wheels="context", UV_DEFAULT_INDEX=PRIVATE, HTTPS_PROXY="http://p:1")
    assert found.args == {"HTTPS_PROXY": "http://p:1"}
    assert found.ca is None


def test_a_page_of_links_needs_buildkit_and_a_folder_of_links_goes_along(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="UV_FIND_LINKS"):
        given(tmp_path, buildkit=False, UV_FIND_LINKS="https://links.example.com/wheels")
    assert given(tmp_path, buildkit=False, UV_FIND_LINKS="/srv/wheels") == Fetching()


def test_proxies_go_along_in_either_case_and_their_passwords_are_hidden(tmp_path: Path) -> None:
    env = {"HTTPS_PROXY": "http://me:pr0xypw@proxy:3128", "no_proxy": "localhost", "http_proxy": "proxy:3128"}
    found = given(tmp_path, **env)
    assert found.args == env
    assert "pr0xypw" in found.hidden
    assert found.network == ""


@pytest.mark.parametrize(
    "env",
    [
        {"UV_DEFAULT_INDEX": "http://127.0.0.1:3141/simple"},
        {"UV_INDEX": "near=http://localhost:3141/simple"},
        {"HTTPS_PROXY": "http://[::1]:3128"},
        {"http_proxy": "localhost:3128"},
    ],
)
def test_an_index_or_proxy_of_this_machine_means_the_hosts_network(tmp_path: Path, env: dict[str, str]) -> None:
    found = given(tmp_path, **env)
    assert found.network == "host"
    assert any("host's network" in note for note in found.notes)
    assert given(tmp_path, network="corp", **env).network == ""


def test_an_index_of_this_machine_is_out_of_reach_of_another(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "UV_DEFAULT_INDEX": "http://127.0.0.1:3141/simple"}
    with pytest.raises(UsageError, match="engine is on another"):
        settings_for(buildkit=True, wheels="index", network="", local=False, environ=environ)


def test_certificates_come_from_the_first_variable_that_names_a_file(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("certificates")
    found = given(tmp_path, PIP_CERT=str(tmp_path / "gone.pem"), SSL_CERT_FILE=str(bundle))
    assert found.ca == bundle
    assert any("PIP_CERT names no file" in note for note in found.notes)
