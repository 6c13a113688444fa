from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from envbuild.cli.baked import env_notes, looks_secret, secret_warnings
from envbuild.cli.values import make_options, pairs
from envbuild.deliver import check_output
from envbuild.errors import UsageError


def test_pairs_keep_their_order_and_the_last_of_a_name_holds() -> None:
    assert pairs("--env", ["A=1", "B=x=y", "A=2", "C="]) == (("B", "x=y"), ("A", "2"), ("C", ""))


@pytest.mark.parametrize("value", ["=x", "A B=x", "1A=x", "A\n=x"])
def test_a_variable_needs_a_name_that_is_one(value: str) -> None:
    with pytest.raises(UsageError, match="not a name"):
        pairs("--env", [value])


def test_a_name_alone_is_not_taken_from_the_callers_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_MINE", "do-not-tell")
    with pytest.raises(UsageError) as caught:
        pairs("--env", ["SECRET_OF_MINE"])
    assert "a value is missing" in caught.value.message
    assert "do-not-tell" not in caught.value.message + caught.value.hint


def test_a_label_may_have_dots_and_slashes() -> None:
    assert pairs("--label", ["org.example/team=ml ops"]) == (("org.example/team", "ml ops"),)


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        ({"fix": True, "inject": True}, ("--fix", "--inject")),
        ({"code": Path()}, ("--code", "--scoring-script")),
        ({"locked": True, "upgrade": True}, ("--locked", "--upgrade")),
        ({"python": "3.11.7"}, ("--python 3.11.7",)),
        ({"python": "311"}, ("--python 311",)),
        # As a variable that is not set leaves them.
        ({"python": ""}, ("--python ",)),
        ({"index_url": ""}, ("--index-url ",)),
        ({"extra_index_url": [""]}, ("--extra-index-url ",)),
        ({"find_links": [""]}, ("--find-links ",)),
        ({"allow_build": [""]}, ("--allow-build ",)),
    ],
)
def test_options_that_make_no_sense_together_are_named(flags: dict[str, Any], names: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as caught:
        make_options(**flags)
    assert all(name in caught.value.message for name in names)
    assert caught.value.hint


@pytest.mark.parametrize("base", ["", " "])
def test_a_base_needs_a_name(base: str) -> None:
    with pytest.raises(UsageError, match="--base: the name of an image is missing"):
        make_options(base=base)


def test_the_options_arrive_where_the_library_reads_them() -> None:
    found = make_options(
        server="envbuild", requirement=["pandas"], env=["A=1"], label=["b=2"], python="3.11", bytecode="off"
    )
    assert (found.server, found.requirements, found.env, found.labels) == (
        "envbuild",
        ("pandas",),
        (("A", "1"),),
        (("b", "2"),),
    )
    assert (found.python, found.bytecode) == ("3.11", "off")


@pytest.mark.parametrize(
    ("output", "tags", "says"),
    [
        ("docker", (), "needs a name"),
        ("docker=x", ("a",), "no path"),
        ("oci-dir", ("a",), "a path is missing"),
        ("oci-archive=", ("a",), "a path is missing"),
        ("tar=x", ("a",), "not known"),
        ("", ("Not A Name",), "Not A Name"),
    ],
)
def test_an_output_that_cannot_be_is_refused(output: str, tags: tuple[str, ...], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        check_output(output, tags)


@pytest.mark.parametrize(
    ("output", "tags"),
    [
        ("", ("a",)),
        ("docker", ("a",)),
        ("oci-dir=x", ()),
        ("oci-archive=a=b.tar", ()),
        ("docker-archive=x", ("a",)),
    ],
)
def test_an_image_in_a_file_needs_no_name(output: str, tags: tuple[str, ...]) -> None:
    check_output(output, tags)


def test_variables_that_the_server_depends_on_are_noted() -> None:
    (note,) = env_notes([("PYTHONHOME", "/x"), ("WORKERS", "2")])
    assert "PYTHONHOME" in note


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASSWORD", "x"),
        ("api-key", "x"),
        ("AZURE_CLIENT_SECRET", "x"),
        ("HF", "hf_" + "a" * 34),
        ("AWS", "AKIA" + "A" * 16),
        ("URL", "postgresql://me:word@db/x"),
        ("STORE", "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=abc=="),
        ("KEY", "-----BEGIN RSA PRIVATE KEY-----"),
    ],
)
def test_what_looks_like_a_secret_is_warned_of_without_showing_it(name: str, value: str) -> None:
    (warning,) = secret_warnings("--env", [(name, value)])
    assert name in warning
    assert len(value) < 3 or value not in warning


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKERS", "2"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("PASSWORD_FILE", "/run/secrets/db"),
        ("MLFLOW_TRACKING_URI", "http://host:5000"),
        ("MONKEY", "x"),
        ("DB_PASSWORD", ""),
    ],
)
def test_harmless_values_are_not(name: str, value: str) -> None:
    assert not secret_warnings("--env", [(name, value)])
    assert value == "" or not looks_secret(name, value)


def test_the_servers_that_can_be_asked_for_are_those_that_there_are() -> None:
    from envbuild.cli.image import command
    from envbuild.servers import PROFILES

    (option,) = [p for p in command.params if p.name == "server"]
    assert set(option.type.choices) == {"auto", *PROFILES}  # type: ignore[attr-defined]


def test_debian_packages_are_names_once_each_and_sorted() -> None:
    assert make_options(apt=["libgl1", "bash,libgl1", "g++ libxml2"]).apt == ("bash", "g++", "libgl1", "libxml2")


@pytest.mark.parametrize("name", ["libGL1", "libgl1=1.6.0", "libgl1:arm64", "libgl1/sid", "-y", "x"])
def test_what_is_no_name_of_a_debian_package_is_told(name: str) -> None:
    with pytest.raises(UsageError, match=f"--apt {name}: not a package name"):
        make_options(apt=[name])


def test_what_may_be_built_is_named_by_package_or_by_all() -> None:
    from envbuild.cli.values import buildable

    assert buildable(()) == ()
    assert buildable(("My_Lib", "all,other")) == ("all", "my-lib", "other")
    for wrong in ("", "a==1", "../a", "-a"):
        with pytest.raises(UsageError, match="not the name of a package"):
            buildable((wrong,))
