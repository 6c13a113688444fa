from __future__ import annotations

import pytest
from folders import write_files
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Packaging

from envbuild.errors import UsageError
from envbuild.model import extra_requirements
from envbuild.model.hashes import hashes_of
from envbuild.model.pip_options import read_options
from envbuild.model.requirement import InvalidRequirementError, canonical_name, parse_requirement
from envbuild.model.types import Span


def at(requirement):
    span = requirement.span
    return span.file, span.line, span.column, span.end_column


def read_text(model, text, **files):
    return model({"requirements.txt": text, **files})


def test_every_requirement_knows_its_place(model):
    text = "mlflow\n\n  numpy == 1.26.4  # why\nscikit_learn[alldeps]>=1.0,<2 ; python_version < '4'\n"
    found = read_text(model, text).environment
    assert found.source == "requirements.txt"
    assert [r.name for r in found.pip] == ["mlflow", "numpy", "scikit-learn"]
    assert [at(r) for r in found.pip] == [
        ("requirements.txt", 1, 1, 7),
        ("requirements.txt", 3, 3, 18),
        ("requirements.txt", 4, 1, 53),
    ]
    assert [r.specifier for r in found.pip] == ["", "==1.26.4", "<2,>=1.0"]
    assert found.pip[2].extras == ("alldeps",)
    assert found.pip[2].marker == 'python_version < "4"'
    assert found.pip[1].text == "numpy == 1.26.4"


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_endings_and_a_byte_order_mark_do_not_matter(model, ending):
    found = read_text(model, "\ufeff" + ending.join(["a", "# b", "c==1"]))
    assert [at(r)[1:] for r in found.environment.pip] == [(1, 1, 2), (3, 1, 5)]
    assert found.problems == ()


def test_lines_are_joined_at_a_backslash_as_pip_does(model):
    found = read_text(
        model, "numpy==\\\n1.0 \\\n  --hash=sha256:aa \\\n  --hash=sha256:bb\nfoo \\\n# comment \\\nbar\n"
    )
    assert [r.text for r in found.environment.pip] == ["numpy==1.0", "foo", "bar"]
    assert [(x.text, x.span.line, x.span.column) for x in found.environment.lines] == [
        ("--hash=sha256:aa", 3, 3),
        ("--hash=sha256:bb", 4, 3),
    ]
    assert found.environment.pip[0].span.line == 1


def test_options_paths_and_editables_are_kept_as_lines(model):
    lines = [
        "--index-url https://index.example/simple",
        "-i https://index.example/simple",
        "--extra-index-url=https://index.example/simple",
        "-f wheels",
        "--pre",
        "-e ./src",
        "--editable git+https://git.example/x.git#egg=x",
        "./code/x-0.1-py3-none-any.whl",
        "code/x-0.1-py3-none-any.whl",
        "x-0.1.tar.gz",
        "C:\\wheels\\x.whl",
        "git+https://git.example/x.git",
        "https://files.example/x-0.1-py3-none-any.whl",
    ]
    found = read_text(model, "\n".join(lines))
    assert [x.text for x in found.environment.lines] == lines
    assert [x.span.line for x in found.environment.lines] == list(range(1, len(lines) + 1))
    assert found.problems == ()
    assert found.environment.pip == ()


def test_a_direct_reference_is_a_requirement(model):
    (found,) = read_text(model, "x @ https://files.example/x-0.1-py3-none-any.whl").environment.pip
    assert (found.name, found.url) == ("x", "https://files.example/x-0.1-py3-none-any.whl")


def test_files_that_are_named_are_read_with_their_own_places(model):
    found = read_text(
        model,
        "-r more/deps.txt\n-c constraints.txt\nc\n",
        **{
            "more/deps.txt": "a\n-r ../last.txt\n",
            "last.txt": "b\n",
            "constraints.txt": "numpy<2\n-r last2.txt\n",
            "last2.txt": "z<1\n",
        },
    )
    assert found.problems == ()
    assert [at(r)[:2] for r in found.environment.pip] == [
        ("more/deps.txt", 1),
        ("last.txt", 1),
        ("requirements.txt", 3),
    ]
    assert [r.text for r in found.environment.constraints] == ["numpy<2", "z<1"]
    assert found.environment.files == ("requirements.txt", "more/deps.txt", "last.txt", "constraints.txt", "last2.txt")


def test_files_that_name_each_other_end(model):
    found = read_text(model, "-r b.txt\na\n", **{"b.txt": "-r requirements.txt\nb\n"})
    assert [r.name for r in found.environment.pip] == ["b", "a"]


BOTH = ["-c base.txt\n-r base.txt\nscipy\n", "scipy\n-r base.txt\n-r base.txt\n-c base.txt\n-c base.txt\n"]


@pytest.mark.parametrize("text", BOTH)
def test_a_file_may_hold_constraints_and_requirements(model, text):
    base = "--pre\nnumpy==1.26 --hash=sha256:aa\na b\n-r more.txt\n-c absent.txt\n"
    found = read_text(model, text, **{"base.txt": base, "more.txt": "pandas\n"})
    assert sorted(r.text for r in found.environment.pip) == ["numpy==1.26", "pandas", "scipy"]
    assert sorted(r.text for r in found.environment.constraints) == ["numpy==1.26", "pandas"]
    assert found.environment.files == ("requirements.txt", "base.txt", "more.txt")
    # What is no requirement, and what is wrong, is the same in both readings.
    assert [x.text for x in found.environment.lines] == ["--pre", "--hash=sha256:aa"]
    assert [(p.code, p.span.line) for p in found.problems] == [("EB101", 3), ("EB103", 5)]
    hashes = [(r.name, values) for r, values in hashes_of(found.environment)]
    assert hashes == [("numpy", ("sha256:aa",))] * 2


def test_a_file_that_constrains_itself_is_read_to_its_end(model):
    found = read_text(model, "a\n-c requirements.txt\n--pre\nb\n")
    assert [r.name for r in found.environment.pip] == ["a", "b"]
    assert [r.name for r in found.environment.constraints] == ["a", "b"]
    assert [x.text for x in found.environment.lines] == ["--pre"]


def test_files_that_constrain_each_other_end(model):
    found = read_text(model, "-c b.txt\na\n", **{"b.txt": "-r requirements.txt\n-c requirements.txt\nb\n"})
    assert [r.name for r in found.environment.pip] == ["a"]
    assert sorted(r.name for r in found.environment.constraints) == ["a", "b"]
    assert found.environment.files == ("requirements.txt", "b.txt")


def test_each_option_of_a_line_is_a_line(model):
    text = "--pre -e ./foo\nnumpy\n  -i https://x  --editable './a b'\n--extra-index https://y\n--pypi-url=https://z\n"
    found = read_text(model, text)
    assert [(x.text, x.span.line, x.span.column, x.span.end_column) for x in found.environment.lines] == [
        ("--pre", 1, 1, 6),
        ("-e ./foo", 1, 7, 15),
        ("-i https://x", 3, 3, 15),
        ("--editable './a b'", 3, 17, 35),
        ("--extra-index-url https://y", 4, 1, 24),
        ("--index-url=https://z", 5, 1, 21),
    ]
    assert [r.name for r in found.environment.pip] == ["numpy"]
    assert found.problems == ()


def test_a_file_is_read_behind_another_option_and_by_a_quoted_name(model):
    found = read_text(model, "--pre -r 'more deps.txt'\n--const c.txt\n", **{"more deps.txt": "a", "c.txt": "b<1"})
    assert [r.name for r in found.environment.pip] == ["a"]
    assert [r.name for r in found.environment.constraints] == ["b"]
    assert found.problems == ()


@pytest.mark.parametrize(
    ("line", "says", "column"),
    [
        ("--pre foo -e ./x", "passes over 'foo' behind an option", 7),
        ("-r a.txt -r b.txt", "passes over '-r b.txt' on this line", 10),
        ("-c b.txt -r a.txt", "passes over '-c b.txt' on this line", 1),
        ("-e ./x -r b.txt", "passes over '-r b.txt' on this line", 8),
        ("--pre --hash=sha256:aa", "passes over '--hash=sha256:aa' without a requirement", 7),
        ("--pre x y foo@host", "passes over 'x y foo@host' behind an option", 7),
        ("--index-url https://u:p S3CRET@h:9/s", "passes over '******@h:9/s' behind an option", 25),
        ("numpy --pre", "passes over '--pre' behind a requirement", 7),
        ("numpy --hash=sha256:aa word", "passes over 'word' behind a requirement", 24),
        ("-e './x", "cannot split this line: ' is not closed", 4),
        ('numpy -C "a', 'cannot split this line: " is not closed', 10),
        ("--index-url", "--index-url lacks its value", 1),
    ],
)
def test_what_pip_passes_over_or_cannot_split_is_a_problem(model, line, says, column):
    found = read_text(model, f"ok\n{line}\n", **{"a.txt": "a\n", "b.txt": "b\n"})
    (problem,) = found.problems
    assert says in problem.message
    assert (problem.code, problem.span.line, problem.span.column) == ("EB101", 2, column)
    assert "b" not in [r.name for r in (*found.environment.pip, *found.environment.constraints)]


def test_options_of_a_requirement_keep_their_quotes_together(model):
    found = read_text(model, 'numpy==1.0 --config-settings="a=--foo -x" --hash=sha256:aa\n')
    assert found.problems == ()
    assert [(x.text, x.span.column) for x in found.environment.lines] == [
        ('--config-settings="a=--foo -x"', 12),
        ("--hash=sha256:aa", 43),
    ]


def test_a_credential_that_a_message_cuts_is_hidden(model):
    secret = "hunter2" * 20
    found = read_text(model, f"--pre https://me:{secret}@h/x\n-r https://me:{secret}@h/r.txt\n")
    assert len(found.problems) == 2
    assert all("hunter2" not in problem.message for problem in found.problems)


ODD = ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]


@pytest.mark.parametrize("odd", ODD)
def test_where_pip_alone_ends_a_line_places_are_those_of_editors(model, odd):
    found = read_text(model, f"a{odd}bb==1  # c{odd} c\nd==\\{odd}1{odd}x y\n# z{odd}e")
    assert [at(r)[1:] for r in found.environment.pip] == [(1, 1, 2), (1, 3, 8), (1, 15, 16), (2, 1, 4), (3, 5, 6)]
    assert [r.text for r in found.environment.pip] == ["a", "bb==1", "c", "d==1", "e"]
    assert [(p.span.line, p.span.column) for p in found.problems] == [(2, 10)]


ABOUT = st.sampled_from(
    (
        *("numpy==1.26", "pandas", "-r base.txt", "-c base.txt", "-e ./foo", "--pre", "--pre -e ./foo", "# -e ./no"),
        *("--edit ./bar -f x", "-i https://x -r base.txt", "scipy --hash=sha256:" + "0" * 64, "-e ./a -c base.txt"),
        *('six -C "a=b -c"', "six \\\n  >=1", "-c 'base.txt'", "--requirement=base.txt", "", "six #x"),
    )
)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(ABOUT, st.sampled_from(["\n", "\r\n", "\x0c", "\u2028", "\x85"])), max_size=6))
def test_a_file_is_read_as_pip_reads_it(tmp_path_factory, lines):
    pip = pytest.importorskip("pip._internal.req.req_file")
    from pip._internal.network.session import PipSession

    from envbuild.model import read

    text = "".join(line + end for line, end in lines)
    root = write_files(tmp_path_factory.mktemp("pip"), {"requirements.txt": text, "base.txt": "toml==1\n-e ./b\n"})
    wanted = list(pip.parse_requirements(str(root / "requirements.txt"), session=PipSession()))
    found = read(root).environment
    named = {(r.requirement.replace(" ", ""), r.constraint) for r in wanted if not r.is_editable}
    assert {(r.text.replace(" ", ""), False) for r in found.pip} | {
        (r.text.replace(" ", ""), True) for r in found.constraints
    } == named
    editables = {option.value for line in found.lines for option in read_options(line.text)} - {"", "x"}
    assert {r.requirement for r in wanted if r.is_editable} <= editables


@pytest.mark.parametrize(
    ("line", "says", "column", "end"),
    [
        ("numpy=1.0", "'numpy=1.0' is not a requirement", 6, 7),
        ("a b", "is not a requirement", 3, 4),
        ("-r ../outside.txt", "outside of the folder", 4, 18),
        ("-r /etc/passwd", "outside of the folder", 4, 15),
        ("-r absent.txt", "absent.txt does not exist", 4, 14),
        ("-c https://x.example/c.txt", "is an address", 4, 27),
        ("--frobnicate", "no option --frobnicate", 1, 13),
        ("a --frobnicate=1", "no option --frobnicate", 3, 17),
        ("a==${VERSION}", "is not a requirement", 2, 3),
    ],
)
def test_what_cannot_be_taken_is_a_located_problem(model, line, says, column, end):
    found = read_text(model, f"ok\n{line}\nlast\n")
    (problem,) = found.problems
    assert problem.code == ("EB103" if line.startswith(("-r", "-c")) else "EB101")
    assert says in problem.message
    assert (problem.span.line, problem.span.column) == (2, column)
    if column != 2:
        assert problem.span.end_column == end
    names = [r.name for r in found.environment.pip]
    assert (names[0], names[-1]) == ("ok", "last")


def test_a_single_equals_sign_gets_the_way_out(model):
    assert "`==`" in read_text(model, "numpy=1.0").problems[0].help


def test_credentials_do_not_reach_a_message(model):
    (problem,) = read_text(model, "x @ https://user:hunter2@index.example/x y z").problems
    assert "hunter2" not in problem.message


def test_a_file_full_of_mistakes_stops_at_a_limit(model):
    assert len(read_text(model, "a b\n" * 5000).problems) == 50


def test_a_link_that_leaves_the_folder_is_not_read(folder, tmp_path):
    from envbuild.model import read

    (tmp_path / "secret.txt").write_text("hunter2\n")
    root = folder({"requirements.txt": "-r in.txt\n", ".envbuildignore": "in.txt\n"})
    (root / "in.txt").symlink_to(tmp_path / "secret.txt")
    found = read(root)
    assert found.environment.pip == ()
    assert [p.code for p in found.problems] == ["EB103"]
    assert "hunter2" not in repr(found)


def test_utf16_is_named_as_such(model):
    (problem,) = read_text(model, "numpy\n".encode("utf-16")).problems
    assert (problem.code, "UTF-16" in problem.message, problem.help) == ("EB101", True, "save the file as UTF-8")


NAMES = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,6}[A-Za-z0-9])?", fullmatch=True)
VERSIONS = st.from_regex(
    r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}((a|b|rc)[0-9])?(\.post[0-9])?(\.dev[0-9])?(\+[a-z0-9]{1,4})?", fullmatch=True
)
CLAUSES = st.tuples(
    st.sampled_from(["==", ">=", "<", "!=", "~=", "<=", ">", "===", "="]),
    st.sampled_from(["", " "]),
    VERSIONS,
    st.sampled_from(["", ".*"]),
)
SPECS = st.builds(
    lambda name, extras, clauses, tail: name + extras + ",".join("".join(c) for c in clauses) + tail,
    NAMES,
    st.sampled_from(["", "[a]", "[B_c, a]", " ", "[]", "[a"]),
    st.lists(CLAUSES, max_size=3),
    st.sampled_from(["", " ", "; python_version<'3'", ";", ",", " x"]),
)


@settings(max_examples=120, deadline=None)
@given(SPECS | st.text(max_size=12))
def test_the_short_way_agrees_with_packaging(text):
    text = text.strip()
    try:
        wanted = Packaging(text)
    except InvalidRequirement:
        wanted = None
    try:
        found = parse_requirement(text, lambda a, b: Span(file="f", column=a + 1, end_column=b + 1))
    except InvalidRequirementError as error:
        assert wanted is None
        assert 0 <= error.start < error.end
        return
    assert wanted is not None
    assert found.name == canonical_name(wanted.name)
    assert found.specifier == ",".join(sorted({str(s) for s in wanted.specifier}))
    assert set(found.extras) == {canonical_name(e) for e in wanted.extras}
    assert found.url == (wanted.url or "")


def test_extra_requirements_are_named_by_their_option():
    (one, two) = extra_requirements(["numpy==1.0", " pandas "])
    assert (one.name, one.span.file, two.text, two.span.line) == ("numpy", "--requirement", "pandas", 2)
    with pytest.raises(UsageError, match="--requirement 'numpy=1' is not a requirement"):
        extra_requirements(["numpy=1"])
    with pytest.raises(UsageError):
        extra_requirements(["-r x.txt"])


def test_a_named_file_with_a_nul_in_its_name_is_a_problem(model):
    found = model({"requirements.txt": "numpy\n-r more\0.txt\n"})
    (problem,) = [problem for problem in found.problems if problem.span and problem.span.line == 2]
    assert (problem.code, problem.message) == ("EB101", "a file name holds a NUL character")


def test_a_list_without_end_is_read_to_a_limit(model):
    found = model({"requirements.txt": "".join(f"p{n}\n" for n in range(100_000))})
    assert len(found.environment.pip) == 2_000
    (problem,) = [problem for problem in found.problems if problem.code == "EB101"]
    assert problem.span is not None
    assert problem.span.line == 2_001
    assert "more than 2,000 entries" in problem.message


@pytest.mark.parametrize("line", ["a" * 5_000, "numpy" + " " * 70_000 + "==1", "numpy" + ",".join(["!=1"] * 5_000)])
def test_a_line_without_end_is_a_problem(model, line):
    found = model({"requirements.txt": f"{line}\npandas\n"})
    assert [r.name for r in found.environment.pip] == ["pandas"]
    (problem,) = [problem for problem in found.problems if problem.code == "EB101"]
    assert "longer than" in problem.message


def test_a_named_file_with_an_endless_name_is_a_problem(model):
    found = model({"requirements.txt": f"numpy\n-r {'m' * 3_000}.txt\n"})
    assert any("is too long" in problem.message and len(problem.message) < 200 for problem in found.problems)
