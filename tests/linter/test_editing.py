"""Each helper changes the requirement that it is asked to change, in every file, and nothing else."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envbuild.errors import ModelError
from envbuild.linter.editing import added, removed, renamed, replaced, requirements_of, respecified
from envbuild.linter.fixes import apply
from envbuild.linter.types import Finding
from envbuild.model import read
from envbuild.model.types import Span

MLMODEL = "flavors: {python_function: {loader_module: m, python_version: 3.11.7}}\n"
AMD64, ARM64 = "linux/amd64", "linux/arm64"
NAMES = ["numpy", "pandas", "Scikit_Learn", "zope.interface", "a", "mlflow"]
CANONICAL = {name: re.sub(r"[-_.]+", "-", name).lower() for name in NAMES}
EXTRAS = st.sampled_from(["", "", "[gpu]", "[a, b]", " [a]"])
RANGES = st.sampled_from(["", "==1.2.3", ">=1,<2", " >= 1.0 , < 2", "~=1.4", "!=3", "===1.0"])
MARKERS = st.sampled_from(["", "", ' ; python_version >= "3.8"', "; sys_platform == 'linux'"])
SPECIFIERS = ["<2", ">=1.14,<=1.16.0", "==1.3.2", ""]
ENDINGS = st.sampled_from(["\n", "\r\n"])


@st.composite
def listed(draw) -> list[str]:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    return [name + draw(EXTRAS) + draw(RANGES) + draw(MARKERS) for name in names]


def scalar(text: str, style: str) -> str:
    if style == "single":
        return "'" + text.replace("'", "''") + "'"
    if style == "double":
        return '"' + text.replace('"', '\\"') + '"'
    return text


@st.composite
def conda_yaml(draw) -> str:
    ending = draw(ENDINGS)
    requirements = draw(listed())
    styles = st.sampled_from(["plain", "single", "double"])
    if draw(st.booleans()):
        items = [scalar(t, draw(styles) if re.fullmatch(r"[\w.=<>!~-]+", t) else "double") for t in requirements]
        inner = draw(st.sampled_from(["%s", " %s ", "%s,"])) % draw(st.sampled_from([", ", ",", " , "])).join(items)
        pip = [f"- pip: [{inner}]" + draw(st.sampled_from(["", "  # all"]))]
    else:
        dash = draw(st.sampled_from(["  - ", "- ", "    -   "]))
        dash = "  " + dash if dash == "- " else dash
        comments = st.sampled_from(["", " # why", "  # a, b: 'c'"])
        pip = ["- pip:", *(dash + scalar(t, draw(styles)) + draw(comments) for t in requirements)]
    lines = ["# head", "channels: [conda-forge]", "dependencies:", "- python=3.11.7", "- pip<=23.2.1  # kept", *pip]
    lines += draw(st.sampled_from([[], ["name: env"], ["# tail", "", "name: env"]]))
    text = ending.join(lines) + (ending if draw(st.booleans()) else "")
    return draw(st.sampled_from(["", "\ufeff"])) + text


@st.composite
def requirements_txt(draw) -> str:
    ending = draw(ENDINGS)
    gaps = st.sampled_from([[], [""], ["# a comment: numpy<1"], ["--prefer-binary"]])
    lines: list[str] = []
    for text in draw(listed()):
        lines += [*draw(gaps), draw(st.sampled_from(["", "  "])) + text + draw(st.sampled_from(["", "  # why", " "]))]
    return ending.join(lines) + (ending if draw(st.booleans()) else "")


def make(root: Path, conda: str | None, requirements: str | None) -> Path:
    root.mkdir(exist_ok=True)
    for name, text in {"MLmodel": MLMODEL, "conda.yaml": conda, "requirements.txt": requirements}.items():
        if text is None:
            (root / name).unlink(missing_ok=True)
        else:
            (root / name).write_bytes(text.encode())
    return root


def said(model) -> Counter[tuple[str, str, tuple[str, ...], str, str]]:
    """File, name, extras, marker and range of each requirement, with the other lines."""
    environments = (model.environment, *model.others)
    found = Counter((r.span.file, r.name, r.extras, r.marker, r.specifier) for e in environments for r in e.pip)
    found.update(("", line.text, (), "", "") for e in environments for line in e.lines)
    found.update(("", d.text, (), "", "") for e in environments for d in e.conda)
    return found


def changed_lines(before: str, after: str) -> int:
    lines = [text.splitlines(keepends=True) for text in (before, after)]
    moves = difflib.SequenceMatcher(a=lines[0], b=lines[1], autojunk=False).get_opcodes()
    return sum(max(b - a, d - c) for tag, a, b, c, d in moves if tag != "equal")


MODELS = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
FILES = st.tuples(conda_yaml(), st.none() | requirements_txt()) | st.tuples(st.none(), requirements_txt())


def done(root: Path, edits, platform: str = AMD64) -> bool:
    """Whether the edits could be applied; False where there are none."""
    if not edits:
        return False
    finding = Finding(code="X", name="x", severity="error", message="", edits=tuple(edits))
    return bool(apply(replace(read(root), platform=platform), [finding]))


@MODELS
@given(files=FILES, name=st.sampled_from(NAMES), specifier=st.sampled_from(SPECIFIERS))
def test_a_range_is_changed_everywhere_and_nothing_else(tmp_path, files, name, specifier):
    root = make(tmp_path / "m", *files)
    model = read(root)
    canonical = CANONICAL[name]
    edits = respecified(model, canonical, specifier)
    texts, before, was_listed = dict(model.texts), said(model), model.environment.lists(canonical)
    if not done(root, edits):
        assert all(
            r.specifier == ",".join(sorted(filter(None, specifier.split(","))))
            for r in requirements_of(model, canonical)
        )
        return
    wanted = Counter(
        {
            (
                file,
                n,
                extras,
                marker,
                ",".join(sorted(filter(None, specifier.split(",")))) if n == canonical and file else spec,
            ): count
            for (file, n, extras, marker, spec), count in before.items()
        }
    )
    after = read(root)
    got = said(after)
    assert wanted - got == Counter()
    new = got - wanted
    assert all(key[1] == canonical for key in new)
    assert was_listed is (not any(key[0] == after.environment.pip[-1].span.file for key in new))
    for file in texts:
        count = sum(edit.file == file for edit in edits)
        assert changed_lines(texts[file], after.texts[file]) <= count + (not texts[file].endswith("\n"))
        assert after.texts[file].endswith("\n") is texts[file].endswith("\n")
        assert ("\r\n" in after.texts[file]) is ("\r\n" in texts[file])


@MODELS
@given(files=FILES, name=st.sampled_from(NAMES))
def test_a_line_that_is_taken_away_takes_nothing_along(tmp_path, files, name):
    root = make(tmp_path / "m", *files)
    model = read(root)
    before = said(model)
    for requirement in requirements_of(model, CANONICAL[name]):
        edit = removed(model, requirement)
        if edit is None:
            continue
        assert done(root, [edit])
        after = said(read(root))
        assert before - after == Counter(
            [(requirement.span.file, requirement.name, requirement.extras, requirement.marker, requirement.specifier)]
        )
        assert after - before == Counter()
        return


@MODELS
@given(files=FILES, requirement=st.sampled_from(["new", "new==1.2", "new[x]>=1,<2", 'new ; python_version < "4"']))
def test_a_line_that_is_added_stands_in_every_file_once(tmp_path, files, requirement):
    root = make(tmp_path / "m", *files)
    model = read(root)
    before = said(model)
    assert done(root, added(model, "new", requirement))
    after = read(root)
    assert before - said(after) == Counter()
    assert {key[:2] for key in said(after) - before} == {(file, "new") for file in files_of(model)}
    with pytest.raises(ModelError, match="nothing was written"):
        done(root, added(after, "new", requirement))


def files_of(model) -> set[str]:
    return {"conda.yaml", "requirements.txt"} & set(model.texts)


@MODELS
@given(files=FILES, name=st.sampled_from(NAMES))
def test_a_package_that_takes_the_place_of_another_keeps_its_range(tmp_path, files, name):
    root = make(tmp_path / "m", *files)
    model = read(root)
    edits = renamed(model, CANONICAL[name], "other-name")
    before = said(model)
    if not done(root, edits):
        assert not requirements_of(model, CANONICAL[name])
        return
    wanted = Counter(
        {
            (file, "other-name" if n == CANONICAL[name] and file else n, *rest): count
            for (file, n, *rest), count in before.items()
        }
    )
    assert said(read(root)) == wanted


@pytest.mark.parametrize(
    ("line", "old", "new", "after"),
    [
        ("  - numpy  # numpy", "numpy", "numpy<2", "  - numpy<2  # numpy"),
        ("  - 'numpy'", "numpy", "numpy ; a == 'b'", "  - 'numpy ; a == ''b'''"),
        ('  - "numpy"', "numpy", 'numpy ; a == "b"', '  - "numpy ; a == \\"b\\""'),
        ('  - "numpy ; a == \\"b\\""', 'numpy ; a == "b"', "numpy", '  - "numpy"'),
        ("  - numpy  # old", "old", "new", None),
        ("  - numpy", "numpy", "numpy: 1", None),
        ("  - numpy", "numpy", "numpy #1", None),
        ("  - numpy", "pandas", "x", None),
        ("  - numpy", "", "x", None),
        ("  - [numpy, b]", "numpy", "numpy>=1,<2", '  - ["numpy>=1,<2", b]'),
        ("  - [numpy-x, b]", "numpy", "numpy>=1,<2", None),
        ("  - {a: numpy}", "numpy", "numpy<2", "  - {a: numpy<2}"),
        ("  numpy,", "numpy", "numpy>=1,<2", '  "numpy>=1,<2",'),
    ],
)
def test_new_words_are_written_so_that_they_are_read_again(folder, line, old, new, after):
    model = read(folder({"conda.yaml": line + "\n"}))
    column = max(line.find("numpy"), 0) + 1
    edit = replaced(model, Span(file="conda.yaml", line=1, column=column, end_column=column + 5), old, new)
    assert (edit.text if edit else None) == after


@pytest.mark.parametrize(
    "text",
    [
        "numpy==1 --hash=sha256:aa\npandas --hash=sha256:bb\n",
        "numpy @ https://a.example/numpy-1-py3-none-any.whl\npandas\n",
    ],
)
def test_lines_with_hashes_and_addresses_are_left_alone(folder, text):
    model = read(folder({"conda.yaml": None, "requirements.txt": text}))
    assert respecified(model, "numpy", "<2") == ()
    assert renamed(model, "numpy", "other") == ()


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"conda.yaml": "dependencies:\n- pip:\n  - numpy\n"}, "numpy"),
        ({"conda.yaml": "dependencies:\n- pip: [numpy, pandas]\n"}, "numpy"),
        ({"conda.yaml": "dependencies:\n- pip:\n  - >-\n    numpy\n  - pandas\n"}, "numpy"),
        ({"conda.yaml": "dependencies:\n- pip:\n  - &n numpy\n  - pandas\n"}, "numpy"),
        ({"conda.yaml": None, "requirements.txt": "numpy\n"}, "numpy"),
        ({"conda.yaml": None, "requirements.txt": "numpy \\\n  ==1\npandas\n"}, "numpy"),
    ],
)
def test_what_shares_its_line_or_is_the_only_one_is_not_taken_away(folder, files, name):
    model = read(folder(files))
    (requirement,) = requirements_of(model, name)
    assert removed(model, requirement) is None


def test_a_package_that_the_file_that_counts_does_not_list_is_added_there(folder):
    root = folder(
        {"conda.yaml": "dependencies:\n- python=3.11.7\n- pip:\n  - mlflow\n", "requirements.txt": "mlflow\nnumpy==1\n"}
    )
    assert done(root, respecified(read(root), "numpy", "<2"))
    assert (root / "conda.yaml").read_text().endswith("  - mlflow\n  - numpy<2\n")
    assert (root / "requirements.txt").read_text() == "mlflow\nnumpy<2\n"


@pytest.mark.parametrize(
    ("platform", "marker", "after"),
    [
        (AMD64, "python_version < '3.8'", ["numpy==1.21 ; python_version < '3.8'", "pandas", "numpy<2"]),
        (AMD64, "sys_platform == 'win32'", ["numpy==1.21 ; sys_platform == 'win32'", "pandas", "numpy<2"]),
        (AMD64, "python_version >= '3.8'", ["numpy<2 ; python_version >= '3.8'", "pandas"]),
        (AMD64, "platform_machine == 'x86_64'", ["numpy<2 ; platform_machine == 'x86_64'", "pandas"]),
        (ARM64, "platform_machine == 'x86_64'", ["numpy==1.21 ; platform_machine == 'x86_64'", "pandas", "numpy<2"]),
        (ARM64, "platform_machine == 'aarch64'", ["numpy<2 ; platform_machine == 'aarch64'", "pandas"]),
    ],
)
def test_a_line_that_its_marker_leaves_out_of_the_image_stays_and_another_is_added(tmp_path, platform, marker, after):
    root = tmp_path / "m"
    root.mkdir()
    (root / "MLmodel").write_text(MLMODEL)
    (root / "requirements.txt").write_text(f"numpy==1.21 ; {marker}\npandas\n")
    assert done(root, respecified(replace(read(root), platform=platform), "numpy", "<2"), platform)
    assert (root / "requirements.txt").read_text().splitlines() == after
