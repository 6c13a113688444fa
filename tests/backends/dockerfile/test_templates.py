"""A team's templates: a block replaced, and a mistake told with its file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from envbuild.errors import UsageError

HEAD = '{% extends "base.Dockerfile.j2" %}\n'


def test_a_block_is_replaced_and_the_rest_stays(bench: Any) -> None:
    folder = bench.templates(
        Dockerfile=HEAD + "{% block server %}\n{{ super() }}LABEL mine={{ 'a $b' | quote }}\n{% endblock %}\n"
    )
    before = bench.context().dockerfile.splitlines()
    after = bench.context(templates=folder).dockerfile.splitlines()
    assert [line for line in after if line not in before] == ['LABEL mine="a \\$b"']
    assert [line for line in before if line not in after] == []


def test_a_whole_template_of_ones_own(bench: Any) -> None:
    folder = bench.templates(Dockerfile="FROM scratch\nCMD {{ ['a', 'b'] | exec }}\n")
    assert bench.context(templates=folder).dockerfile == 'FROM scratch\nCMD ["a", "b"]\n'


def test_a_base_template_of_ones_own_is_extended(bench: Any) -> None:
    folder = bench.templates(base="FROM scratch\n{% block model %}{% endblock %}\n")
    assert bench.context(templates=folder).dockerfile == "FROM scratch\n"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        (HEAD + "{% block base %}\n{{ page.basis }}\n{% endblock %}\n", 3, "basis"),
        (HEAD + "{% block base %}\n{{ nothing }}\n{% endblock %}\n", 3, "'nothing' is undefined"),
        (HEAD + "{% block base %}\n{% if %}\n{% endblock %}\n", 3, "Expected"),
        (HEAD + "{% block base %}\n", 2, "endblock"),
        (HEAD + "\n{% block base %}{{ 1 / 0 }}{% endblock %}\n", 3, "division by zero"),
        (HEAD + "{% block base %}{{ page.ports() }}{% endblock %}\n", 2, "not callable"),
        ('{% extends "elsewhere.j2" %}\n', 1, "elsewhere.j2"),
        ('\n{% include "../../etc/passwd" %}\n', 2, "passwd"),
    ],
)
def test_a_mistake_is_told_with_its_place(bench: Any, text: str, line: int, what: str) -> None:
    folder = bench.templates(Dockerfile=text)
    with pytest.raises(UsageError) as caught:
        bench.context(templates=folder)
    assert caught.value.message.startswith(f"{folder / 'Dockerfile.j2'}:{line}: ")
    assert what in caught.value.message


def test_a_template_that_is_no_text(bench: Any) -> None:
    folder = bench.templates()
    (folder / "Dockerfile.j2").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="UTF-8"):
        bench.context(templates=folder)


def test_a_value_that_cannot_be_carried_is_told_as_such(bench: Any) -> None:
    folder = bench.templates(Dockerfile="FROM scratch\nENV A={{ 'a\\nb' | quote }}\n")
    with pytest.raises(UsageError, match="a line break"):
        bench.context(templates=folder)


def test_a_folder_without_a_template(bench: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"holds no Dockerfile\.j2"):
        bench.context(templates=tmp_path / "empty")
