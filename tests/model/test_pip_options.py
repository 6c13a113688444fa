"""The options of a requirements file, held against pip's own parser."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from envbuild.model.pip_options import InvalidOptionError, Option, read_options

VALUES = {
    "--index-url": "index_url",
    "--extra-index-url": "extra_index_urls",
    "--find-links": "find_links",
    "--editable": "editables",
    "--requirement": "requirements",
    "--constraint": "constraints",
    "--trusted-host": "trusted_hosts",
    "--global-option": "global_options",
}
FLAGS = {"--no-index": "no_index", "--prefer-binary": "prefer_binary", "--pre": "pre", "--require-hashes": None}


@pytest.fixture(scope="module")
def pip() -> Any:
    return pytest.importorskip("pip._internal.req.req_file")


def pips_reading(pip: Any, text: str) -> tuple[dict[str, list[str]], set[str], list[str]] | None:
    """Values by option, flags, and what belongs to no option; None where pip stops."""
    parser = pip.build_parser()
    try:
        found, rest = parser.parse_args(shlex.split(text))
    except (ValueError, pip.OptionParsingError):
        return None
    given = {name: getattr(found, target) or [] for name, target in VALUES.items() if name != "--index-url"}
    given = {name: values for name, values in given.items() if values}
    return given, {name for name, target in FLAGS.items() if target and getattr(found, target)}, rest


def our_reading(text: str) -> tuple[dict[str, list[str]], set[str], list[str]] | None:
    given: dict[str, list[str]] = {}
    rest: list[str] = []
    flags = set()
    try:
        for option in read_options(text):
            if not option.name:
                # Here `--` ends the options; pip does not count it among what is left.
                words = shlex.split(option.text)
                rest += words
            elif option.name in FLAGS:
                flags.add(option.name)
            elif option.name in VALUES:
                given.setdefault(option.name, []).append(option.value)
    except InvalidOptionError:
        return None
    given.pop("--index-url", None)
    return given, flags - {"--require-hashes"}, rest


WORDS = st.sampled_from(
    (
        *("-e", "-r", "-c", "-f", "-i", "--editable", "--edit", "--requirement=", "--find-links", "--extra-index"),
        *(
            "--extra-index-url=",
            "--pre",
            "--prefer",
            "--no",
            "--no-index",
            "--trusted",
            "--global-option=",
            "--pypi-url",
        ),
        *(
            "x",
            "./a",
            "'a b'",
            '"a b"',
            '"a\\"b"',
            "'",
            '"',
            "\\",
            "\\ ",
            "\\x",
            " ",
            "  ",
            "\t",
            "=",
            "-",
            "-x",
            "--bad",
        ),
        *('"-e"', "'--pre'", "''", "#", ";", "é", "\xa0"),
    )
)


@settings(max_examples=600, deadline=None)
@given(st.lists(WORDS, max_size=8).map("".join))
@example("--pre -e ./foo")
@example("-i https://x --editable ./x")
@example("--extra-index https://x --pypi-url https://y")
@example("""-e'./a b' --find-links="c d" -f e\\ f""")
def test_options_are_read_as_pip_reads_them(pip: Any, text: str) -> None:
    wanted, found = pips_reading(pip, text), our_reading(text)
    if found is not None and "--" in found[2]:
        return  # pip drops the sign that ends options, and keeps the words.
    assert found == wanted


def flags(parser: Any) -> set[Any]:
    return {parser._long_opt[name] for name in FLAGS}


def test_every_beginning_of_a_name_is_taken_as_pip_takes_it(pip: Any) -> None:
    parser = pip.build_parser()
    known = {*VALUES, *FLAGS, "--hash", "--config-settings", "--no-binary", "--only-binary", "--use-feature"}
    checked = 0
    for cut in sorted({name[:end] for name in known for end in range(3, len(name) + 1)}):
        exact = parser._long_opt.get(cut)
        options = {exact} if exact else {parser._long_opt[name] for name in parser._long_opt if name.startswith(cut)}
        names = {name for option in options for name in option._long_opts if name in known}
        if len(names) != len(options):
            continue  # It may be an option that only that pip knows.
        try:
            found = {option.name for option in read_options(cut if options <= flags(parser) else f"{cut}=sha256:0")}
        except InvalidOptionError:
            found = set()
        assert found == (names if len(names) == 1 else set()), cut
        checked += 1
    assert checked > 100


def test_each_option_knows_its_place_and_its_full_name() -> None:
    text = "--extra-index  https://x -e'./a b' --pre\tword more -C a=b"
    found = list(read_options(text))
    assert [(o.name, o.text, o.value) for o in found] == [
        ("--extra-index-url", "--extra-index-url  https://x", "https://x"),
        ("--editable", "-e'./a b'", "./a b"),
        ("--pre", "--pre", ""),
        ("", "word more", ""),
        ("--config-settings", "-C a=b", "a=b"),
    ]
    assert [text[o.start : o.end] for o in found] == [
        "--extra-index  https://x",
        "-e'./a b'",
        "--pre",
        "word more",
        "-C a=b",
    ]
    assert [text[o.value_start : o.end] for o in found if o.value] == ["https://x", "'./a b'", "a=b"]


def test_a_name_in_quotes_is_a_name() -> None:
    (found,) = read_options("'--extra-index-url=https://x y'")
    assert found == Option(
        name="--extra-index-url",
        text="--extra-index-url=https://x y",
        value="https://x y",
        start=0,
        end=31,
        value_start=0,
    )


@pytest.mark.parametrize(
    ("text", "says", "start", "end"),
    [
        ("--pre -e 'a b", "' is not closed", 9, 10),
        ("--pre \\", "last backslash", 6, 7),
        ("-f x --frobnicate=1 y", "pip knows no option --frobnicate here", 5, 19),
        ("--no", "may be --no-binary or --no-index", 0, 4),
        ("-f x --pre=1", "--pre takes no value", 5, 12),
        ("--pre -e", "-e lacks its value", 6, 8),
        ("-x", "pip knows no option -x here", 0, 2),
    ],
)
def test_what_pip_stops_at_is_told_with_its_place(text: str, says: str, start: int, end: int) -> None:
    with pytest.raises(InvalidOptionError) as caught:
        list(read_options(text))
    assert says in caught.value.message
    assert (caught.value.start, caught.value.end) == (start, end)
