from lintcases import Case, conda

X = {"x": "1.0"}


def wheel(tag: str) -> dict[str, str]:
    return {"x": f"x-1.0-cp311-cp311-{tag}.whl"}


TRIGGERS = [
    Case(
        files={"conda.yaml": conda("x==1.0")},
        packages=X,
        filenames=wheel("manylinux_2_17_aarch64.manylinux2014_aarch64"),
        at=("conda.yaml:5",),
        says="manylinux_2_17_aarch64, manylinux2014_aarch64",
    ),
    Case(packages=X, filenames=wheel("win_amd64"), says="win_amd64"),
    Case(packages=X, filenames=wheel("macosx_11_0_arm64"), says="macosx_11_0_arm64"),
    Case(packages=X, filenames=wheel("musllinux_1_2_x86_64"), says="musllinux_1_2_x86_64"),
    Case(packages=X, filenames=wheel("linux_i686"), says="linux_i686"),
]
NEAR_MISSES = [
    Case(packages=X, filenames=wheel("manylinux1_x86_64")),
    Case(packages=X, filenames=wheel("manylinux_2_5_i686.manylinux_2_17_x86_64")),
    Case(packages=X, filenames=wheel("linux_x86_64")),
    Case(packages=X, filenames={"x": "x-1.0-cp39-abi3-manylinux_2_28_x86_64.whl"}),
    Case(packages=X),
]
