from lintcases import Case, conda, tagged

X = {"x": "1.0"}
TRIGGERS = [
    Case(
        files={"conda.yaml": conda("x==1.0")},
        packages=X,
        filenames=tagged("manylinux_2_17_aarch64.manylinux2014_aarch64"),
        at=("conda.yaml:5",),
        says="manylinux_2_17_aarch64, manylinux2014_aarch64",
    ),
    Case(packages=X, filenames=tagged("win_amd64"), says="win_amd64"),
    Case(packages=X, filenames=tagged("macosx_11_0_arm64"), says="macosx_11_0_arm64"),
    Case(packages=X, filenames=tagged("musllinux_1_2_x86_64"), says="musllinux_1_2_x86_64"),
    Case(packages=X, filenames=tagged("linux_i686"), says="linux_i686"),
]
NEAR_MISSES = [
    Case(packages=X, filenames=tagged("manylinux1_x86_64")),
    Case(packages=X, filenames=tagged("manylinux_2_5_i686.manylinux_2_17_x86_64")),
    Case(packages=X, filenames=tagged("linux_x86_64")),
    Case(packages=X, filenames={"x": "x-1.0-cp39-abi3-manylinux_2_28_x86_64.whl"}),
    Case(packages=X),
]
