from lintcases import Case, conda

TRIGGERS = [
    # pip takes what follows an editable for a part of its path.
    Case(files={"conda.yaml": conda("-e ./mylib ; sys_platform == 'win32'")}, says="editable"),
    Case(files={"conda.yaml": conda("./mylib ; sys_platform != 'win32'")}, says="path to source"),
    Case(files={"conda.yaml": conda("-e .")}, at=("conda.yaml:5",), says="editable"),
    Case(files={"conda.yaml": conda("--editable=./mylib")}, says="editable"),
    Case(files={"conda.yaml": conda("-e git+https://github.com/me/mylib#egg=mylib")}, says="editable"),
    Case(
        files={"conda.yaml": conda("./mylib"), "requirements.txt": "./mylib\n"},
        at=("conda.yaml:5", "requirements.txt:1"),
        says="path to source",
    ),
    Case(files={"conda.yaml": conda("mylib-1.2.tar.gz")}, says="path to source"),
    Case(files={"conda.yaml": conda("mylib @ file:///home/me/mylib")}, says="path to source"),
    Case(files={"conda.yaml": conda("https://example.com/mylib-1.2.tar.gz")}, says="is no wheel"),
    Case(files={"conda.yaml": conda("mylib @ https://example.com/archive/main.zip")}, target={"azure": True}),
]
NEAR_MISSES = [
    # What a marker leaves out is looked at by no installer.
    Case(files={"conda.yaml": conda("./mylib ; sys_platform == 'win32'", "mylib-1.2.tar.gz;sys_platform == 'win32'")}),
    Case(files={"conda.yaml": conda("mylib @ https://example.com/mylib-1.2.tar.gz ; sys_platform == 'win32'")}),
    Case(files={"conda.yaml": conda("editables==0.5", "e==1")}),
    Case(files={"conda.yaml": conda("code/mylib-1.2-py3-none-any.whl")}),
    Case(files={"conda.yaml": conda("mylib @ https://example.com/mylib-1.2-py3-none-any.whl#sha256=0")}),
    Case(files={"conda.yaml": conda("git+https://github.com/me/mylib")}),
    Case(files={"conda.yaml": conda("--find-links ./wheels", "mylib==1.2")}),
]
