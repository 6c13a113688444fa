from lintcases import Case, conda

X = {"x": "1.0"}


def wheel(tag: str) -> dict[str, str]:
    return {"x": f"x-1.0-cp311-cp311-{tag}.whl"}


TRIGGERS = [
    Case(
        files={"conda.yaml": conda("x==1.0")},
        packages=X,
        filenames=wheel("manylinux_2_34_x86_64"),
        glibc="2.31",
        at=("conda.yaml:5",),
        says="x 1.0 needs glibc 2.34, and debian:bookworm has 2.31",
    ),
    Case(packages=X, filenames=wheel("manylinux_2_38_x86_64.manylinux_2_39_x86_64"), says="needs glibc 2.38"),
    Case(packages=X, filenames=wheel("manylinux2014_x86_64"), glibc="2.12", says="needs glibc 2.17"),
]
NEAR_MISSES = [
    Case(packages=X, filenames=wheel("manylinux_2_36_x86_64")),
    Case(packages=X, filenames=wheel("manylinux_2_17_x86_64.manylinux_2_38_x86_64")),
    Case(packages=X, filenames=wheel("manylinux_2_9_x86_64"), glibc="2.17"),
    Case(packages=X, filenames={"x": "x-1.0-py3-none-any.whl"}, glibc="2.17"),
    Case(packages=X, filenames=wheel("linux_x86_64"), glibc="2.17"),
    Case(packages=X, filenames=wheel("manylinux_2_38_x86_64"), glibc=""),
]
