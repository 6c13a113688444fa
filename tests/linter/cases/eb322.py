from lintcases import CONDA, Case, script

NEWER = CONDA.replace("python=3.11.7", "python=3.99.0")
TRIGGERS = [
    Case(target={"script": script("import json\ndef run(data)\n    pass\n")}, at=("score.py:2",), says="expected ':'"),
    Case(target={"script": script("x = '\x00'\n")}, says="null"),
    Case(target={"script": script("x = " + "(" * 300 + ")" * 300)}, says="nested"),
    Case(
        target={"script": script("-" * 100_000 + "1")},
        severity="warning",
        says="is not looked into: it is nested too deeply",
    ),
    Case(
        target={"script": script("def init(): ...\ndef run(data): ...\nX = '" + "x" * (300 << 10) + "'\n")},
        severity="warning",
        says="is not looked into: it is larger than 256 KiB",
    ),
    Case(target={"script": script("def run(data)\n    pass\n")}, files={"conda.yaml": NEWER}, severity="warning"),
]
NEAR_MISSES = [
    Case(),
    Case(target={"script": script("\ufeffdef init(): ...\r\ndef run(data): ...\r\n")}),
    Case(target={"script": script("def init(): ...\ndef run(data):\n    return '\\u00e9é'\n")}),
]
