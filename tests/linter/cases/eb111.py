from lintcases import CONDA, MLMODEL, Case

INFO = {"severity": "info"}
TRIGGERS = [
    Case(files={"conda.yaml": "\ufeff" + CONDA}, at=("conda.yaml:1",), says="byte order mark", **INFO),
    Case(files={"MLmodel": MLMODEL.replace("\n", "\r\n")}, at=("MLmodel:1",), says="has line endings", **INFO),
    Case(
        files={"requirements.txt": "numpy==2.4.6\npandas==2.3.3\r\n"},
        at=("requirements.txt:2",),
        says="has some line endings of Windows",
        **INFO,
    ),
    Case(files={"conda.yaml": CONDA.replace("  - numpy", "  -\tnumpy")}, at=("conda.yaml:6",), says="a tab", **INFO),
    Case(files={"conda.yaml": CONDA + "# a\u2028b\n"}, says="ends a line in YAML alone", **INFO),
    Case(files={"conda.yaml": "\ufeff" + CONDA.replace("\n", "\r\n")}, says="mark and has line endings", **INFO),
]
NEAR_MISSES = [
    # A tab in front of a comment, in a text, and where pip takes it for a space.
    Case(files={"conda.yaml": CONDA.replace("- pip\n", "- pip\t# why\n"), "requirements.txt": "\tnumpy\t==2.4.6\n"}),
    Case(files={"MLmodel": MLMODEL + 'metadata:\n  note: "a\\tb\\r\\n"\n'}),
    # Other letters than those of ASCII, and the same characters in a file that is no YAML.
    Case(files={"conda.yaml": "# für größe\n" + CONDA, "requirements.txt": "# a\u2028b\n"}),
]
