from lintcases import CONDA, CONDA_TAIL, Case, conda

HASH = "#sha256=" + "0" * 64
TRIGGERS = [
    # Nobody fetches it, and everybody can read it.
    Case(files={"conda.yaml": conda(f"x @ https://me:hunter2@h/x-1-py3-none-any.whl{HASH} ; sys_platform == 'win32'")}),
    Case(
        files={"conda.yaml": conda("--extra-index-url https://me:hunter2@pypi.example.com/simple")},
        at=("conda.yaml:5",),
        says="https://**********@pypi.example.com/simple",
    ),
    Case(
        files={
            "conda.yaml": conda("--index-url=https://me:hunter2@h/s"),
            "requirements.txt": "-i https://me:hunter2@h/s\n",
        },
        at=("conda.yaml:5", "requirements.txt:1"),
    ),
    Case(files={"conda.yaml": conda(f"x @ https://hunter2@h/x-1-py3-none-any.whl{HASH}")}),
    Case(files={"conda.yaml": conda("git+https://hunter2hunter2hunter2hunter2@github.com/a/b@" + "a" * 40)}),
    Case(files={"conda.yaml": conda("-e git+ssh://git:hunter2@host/a/b")}),
    Case(files={"conda.yaml": conda(f"x @ https://h/x-1-py3-none-any.whl?sig=hunter2&se=1{HASH}")}),
    Case(files={"conda.yaml": conda("-f https://h/wheels?token=hunter2")}),
    Case(
        files={"conda.yaml": "channels:\n- https://conda.anaconda.org/t/hunter2/mine\n" + CONDA}, at=("conda.yaml:2",)
    ),
    Case(
        files={"conda.yaml": CONDA.replace("- pip", "- https://me:hunter2@h/mine::gdal=3.8\n- pip", 1)},
        says="https://**********@h/mine",
    ),
    Case(
        files={"conda.yaml": None, "requirements.txt": "-i https://${WHO}:hunter2@h/s\nx\n" + CONDA_TAIL[4:]},
        at=("requirements.txt:1",),
    ),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": conda("--extra-index-url https://${WHO}:${TOKEN}@pypi.example.com/simple")}),
    Case(files={"conda.yaml": conda("--extra-index-url https://__token__:$TOKEN@pypi.example.com/simple")}),
    Case(files={"conda.yaml": conda("--extra-index-url https://pypi.example.com/simple?token=${TOKEN}")}),
    Case(files={"conda.yaml": conda("git+ssh://git@github.com/a/b@" + "a" * 40)}),
    Case(files={"conda.yaml": conda("git+https://myorg@dev.azure.com/myorg/p/_git/r@" + "a" * 40)}),
    Case(files={"conda.yaml": conda(f"x @ https://h/x-1-py3-none-any.whl?sv=1{HASH}")}),
    Case(files={"conda.yaml": "channels:\n- https://conda.anaconda.org/mine\n" + CONDA}),
    Case(files={"conda.yaml": CONDA.replace("- pip", "- https://h/mine::gdal=3.8\n- pip", 1)}),
]
