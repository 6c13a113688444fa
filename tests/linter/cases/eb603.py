from lintcases import Case, conda

COMMIT = "0123456789abcdef" * 2 + "01234567"
TRIGGERS = [
    Case(
        files={"conda.yaml": conda("git+https://github.com/me/mylib.git@main")},
        at=("conda.yaml:5",),
        says="at 'main', which can move",
    ),
    Case(files={"conda.yaml": conda("mylib @ git+https://github.com/me/mylib.git")}, says="at no commit"),
    Case(files={"conda.yaml": conda(f"git+https://github.com/me/mylib@{COMMIT}")}, says="would have to be built"),
    Case(files={"conda.yaml": conda("git+ssh://git@github.com/me/mylib#egg=mylib")}, says="at no commit"),
    Case(
        files={"conda.yaml": conda("git+https://github.com/me/mylib@0123456")},
        target={"azure": True},
        severity="warning",
        says="0123456",
    ),
    Case(
        files={"conda.yaml": conda("hg+https://h/r"), "requirements.txt": "hg+https://h/r\n"},
        at=("conda.yaml:5", "requirements.txt:1"),
    ),
    Case(
        files={"conda.yaml": conda("mylib @ git+https://github.com/me/mylib.git@main")},
        target={"allow_build": ("mylib",)},
        severity="warning",
        says="at 'main', which can move",
    ),
    # Who allows all allows no repository of this machine, which a model can name.
    Case(
        files={"conda.yaml": conda(f"mylib @ git+file:///srv/mylib@{COMMIT}")},
        target={"allow_build": ("all",)},
        says="would have to be built",
    ),
    Case(
        files={"conda.yaml": conda(f"mylib @ hg+https://h/r@{COMMIT}")},
        target={"allow_build": ("mylib",)},
        says="would have to be built",
    ),
]
NEAR_MISSES = [
    Case(
        files={"conda.yaml": conda(f"mylib @ git+https://github.com/me/mylib@{COMMIT}")},
        target={"allow_build": ("all",)},
    ),
    Case(
        files={"conda.yaml": conda(f"git+file:///srv/mylib@{COMMIT}#egg=My.Lib")}, target={"allow_build": ("my-lib",)}
    ),
    # What a marker leaves out is looked at by no installer.
    Case(files={"conda.yaml": conda("mylib @ git+https://github.com/me/mylib ; sys_platform == 'win32'")}),
    Case(
        files={"conda.yaml": conda("git+https://github.com/me/mylib ; sys_platform == 'win32'")}, target={"azure": True}
    ),
    Case(files={"conda.yaml": conda("gitpython==3.1", "git-lfs")}),
    Case(files={"conda.yaml": conda(f"mylib @ git+https://github.com/me/mylib@{COMMIT}")}, target={"azure": True}),
    Case(files={"conda.yaml": conda("x @ https://github.com/me/x/releases/x-1-py3-none-any.whl#sha256=0")}),
    Case(files={"conda.yaml": conda("-e git+https://github.com/me/mylib#egg=mylib")}),
]
