from lintcases import Case, script

TRIGGERS = [
    Case(target={"script": script("def run(data):\n    return data\n")}, at=("score.py:1",), says="no init()"),
    Case(target={"script": script("def init():\n    pass\nclass A:\n    def run(self, data): ...\n")}, says="no run()"),
    Case(target={"script": script("import json\n")}, says="no init() and no run()"),
    Case(target={"script": script("def init():\n    global run\n    run = len\n")}, says="no run()"),
    # The server imports the script, and runs it not.
    Case(
        target={"script": script("def init(): ...\nif __name__ == '__main__':\n    def run(data): ...\n")},
        says="no run()",
    ),
    # It is called by nothing.
    Case(target={"script": script("def init(): ...\ndef setup():\n    global run\n    run = len\n")}, says="no run()"),
]
NEAR_MISSES = [
    Case(
        target={
            "script": script(
                "if sys.version_info > (3, 9):\n    from a import init, run\nelse:\n    from b import init, run\n"
            )
        }
    ),
    Case(),
    Case(target={"script": script("def init(): ...\ndef run(data): ...\n")}),
    Case(target={"script": script("from score_impl import init, run\n")}),
    Case(target={"script": script("from score_impl import *\n")}),
    Case(target={"script": script("from impl import start as init\nrun = lambda data: data\n")}),
    Case(target={"script": script("try:\n    from a import init, run\nexcept ImportError:\n    init = run = None\n")}),
    Case(target={"script": script("globals().update(init=print, run=print)\n")}),
    Case(
        target={"script": script("def init(): ...\ndef setup():\n    global run\n    def run(data): ...\nsetup()\n")},
    ),
    Case(
        target={
            "script": script(
                "def make():\n    global init, run\n    init = run = print\n"
                "def setup(): make()\nif True:\n    x = [setup()]\n"
            )
        },
    ),
    # Said by EB322 alone.
    Case(target={"script": script("def run(:\n")}),
]
