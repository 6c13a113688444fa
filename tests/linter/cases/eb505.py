from lintcases import Case, conda, tagged

X = {"x": "1.0"}
TRIGGERS = [
    Case(
        files={"conda.yaml": conda("x==1.0")},
        packages=X,
        filenames=tagged("manylinux_2_34_x86_64"),
        glibc="2.31",
        at=("conda.yaml:5",),
        says="x 1.0 needs glibc 2.34, and debian:bookworm has 2.31",
    ),
    Case(packages=X, filenames=tagged("manylinux_2_38_x86_64.manylinux_2_39_x86_64"), says="needs glibc 2.38"),
    Case(packages=X, filenames=tagged("manylinux2014_x86_64"), glibc="2.12", says="needs glibc 2.17"),
]
NEAR_MISSES = [
    Case(packages=X, filenames=tagged("manylinux_2_36_x86_64")),
    Case(packages=X, filenames=tagged("manylinux_2_17_x86_64.manylinux_2_38_x86_64")),
    Case(packages=X, filenames=tagged("manylinux_2_9_x86_64"), glibc="2.17"),
    Case(packages=X, filenames={"x": "x-1.0-py3-none-any.whl"}, glibc="2.17"),
    Case(packages=X, filenames=tagged("linux_x86_64"), glibc="2.17"),
    Case(packages=X, filenames=tagged("manylinux_2_38_x86_64"), glibc=""),
]
