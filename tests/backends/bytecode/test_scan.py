"""What a module imports is read off its text, as Python itself would see it."""

from __future__ import annotations

import ast
import sysconfig
import time
from pathlib import Path

import pytest

from envbuild.backends.bytecode.scan import module_imports


def names(source: str, module: str = "a.b.c", *, package: bool = False) -> set[str]:
    return set(module_imports(source.encode(), module, package=package))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a.b as c, d", {"a.b", "d"}),
        ("import a; import b", {"a", "b"}),
        ("from a import (\n  b,  # one (\n  c as d,\n)\nimport e", {"a.b", "a.c", "e"}),
        ("from a import b, \\\n    c", {"a.b", "a.c"}),
        ("from a \\\n    import b", {"a.b"}),
        ("from a import *", {"a"}),
        ("\ufeffimport a\r\nimport b\rimport c\r\n", {"a", "b", "c"}),
        ("if x:\n\timport a\nelse:\n  import b", {"a", "b"}),
        ("try: import a\nexcept ImportError: import b", {"a", "b"}),
        ("class A:\n    import a\n    def f(self):\n        import b\n    import c", {"a", "c"}),
        ("with x():\n    for y in z:\n        import a", {"a"}),
        ("async def f():\n    import a\nimport b", {"b"}),
        ("def f(\n    a,\n    b,\n):\n    import c\n", set()),
        ("def f(): import a\nimport b", {"b"}),
        ("def f():\n    '''\n'''\n    import a\n\n# import b\n    import c\n", set()),
        ("if TYPE_CHECKING:\n    import a\nelse:\n    import b", {"b"}),
        ("if typing.TYPE_CHECKING and x:\n    import a\nimport b", {"b"}),
        ("if TYPE_CHECKING: import a", set()),
        ("if not TYPE_CHECKING:\n    import a", {"a"}),
        ("if __name__ == '__main__':\n    import a", set()),
        ('if sys.platform == "win32":\n    import a\nelif sys.platform == "linux":\n    import b', {"b"}),
        ("'''\nimport a\n'''\nimport b", {"b"}),
        ('r"""\\\nimport a\n\\""" still\nimport c\n"""\nimport b', {"b"}),
        ('x = \'"""\'\nimport a\ny = \'"""\'', {"a"}),
        ('# """\nimport a\n# """', {"a"}),
        ("x = ''''a' import z\n'''\nimport a", {"a"}),
        ("x = \"#\" '''\nimport a\n'''", set()),
        ("importlib.import_module('a.b')\n__import__(\"c\")", {"a.b", "c"}),
        ("x = import_module('.d', __package__)", {"a.b.d"}),
        ("def f():\n    return importlib.import_module('a')", set()),
        ("f = lambda: import_module('a')", set()),
        ("import_module(name)", set()),
        ("important = 1\nfrom_ = 2\nreimport = 3", set()),
        ("def broken(:\n  import a\nimport b\n$$$ print 'x'", {"b"}),
        ("import ä", {"ä"}),
        ("", set()),
    ],
)
def test_imports(source: str, expected: set[str]) -> None:
    assert names(source) == expected


def test_relative_imports_need_the_modules_own_name() -> None:
    source = "from . import x\nfrom .y import z\nfrom ..w import *\nfrom .... import v"
    assert names(source, "a.b.c") == {"a.b.x", "a.b.y.z", "a.w"}
    assert names(source, "a.b", package=True) == {"a.b.x", "a.b.y.z", "a.w"}
    assert names(source, "") == set()


def test_every_statement_is_found_before_the_end_of_an_unfinished_file() -> None:
    assert names("import a\nfrom b import (c,") == {"a", "b.c"}
    assert names("import a\nx = '''\nimport b") == {"a"}


@pytest.mark.parametrize(
    "source",
    [
        "from x import (\n" * 20_000,
        "  import x\n" * 50_000,
        "".join(" " * (i % 300 + 1) + "import x\n" for i in range(20_000)),
        "'''" * 100_000,
        "x = '" + '"""' * 50_000,
        "\\" * 300_000 + "'''\nimport x",
        "x = " + "''''" * 50_000,
        "from " + "." * 300_000 + "- import x",
        "from" + " " * 300_000 + "- import x",
        "def f():\n  if" + " " * 300_000 + "-:\n    import x",
        '\\"' * 300_000 + "'''\nimport x",
        "import_module(" * 50_000,
        "try: " + ": " * 300_000 + "import",
    ],
    ids=[
        *("unclosed", "no block", "stairs", "quotes", "hidden", "backslashes", "four"),
        *("dots", "spaces", "head", "escapes", "calls", "colons"),
    ],
)
def test_text_made_to_waste_time_does_not(source: str) -> None:
    start = time.process_time()
    module_imports(source.encode(), "a.b")
    assert time.process_time() - start < 10


@pytest.mark.slow
def test_the_scanner_agrees_with_the_parser_on_the_standard_library() -> None:
    folder = Path(sysconfig.get_path("stdlib"))
    agree = differ = 0
    wrong = []
    for path in sorted(folder.rglob("*.py"))[::3]:
        inside = path.relative_to(folder).as_posix()
        if inside.startswith(("site-packages", "test", "lib2to3")) or "/test" in inside:
            continue
        source = path.read_bytes()
        parts = inside.removesuffix(".py").split("/")
        package = parts[-1] == "__init__"
        module = ".".join(parts[:-1] if package else parts)
        expected = _parsed(source, module, package)
        found = set(module_imports(source, module, package=package))
        agree += expected == found
        if expected != found:
            differ += 1
            wrong.append((inside, expected ^ found))
    assert agree > 100
    assert differ <= agree * 0.02, wrong


# Conditions that do not hold when a module is imported on Linux.
SIGNS = ("TYPE_CHECKING", "win32", "__name__ == '__main__'", "== 'nt'", "darwin")


def _parsed(source: bytes, module: str, package: bool) -> set[str]:
    """The same by the host's own parser, conditions left aside."""
    found: set[str] = set()

    def base(node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = module.split(".")
        parts = parts[: len(parts) - node.level + package]
        return ".".join([*parts, node.module] if node.module else parts)

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return
        test = ast.unparse(node.test) if isinstance(node, ast.If) else ""
        if isinstance(node, ast.If) and (test in ("False", "0") or any(sign in test for sign in SIGNS)):
            for below in node.orelse:
                visit(below)
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parent = base(node)
            found.update(parent if alias.name == "*" else f"{parent}.{alias.name}" for alias in node.names)
        for below in ast.iter_child_nodes(node):
            visit(below)

    visit(ast.parse(source))
    return found
