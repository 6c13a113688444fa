from lintcases import CONDA, Case


def beside(*packages: str) -> str:
    return CONDA.replace("- pip\n", "- pip\n" + "".join(f"- {text}\n" for text in packages))


TRIGGERS = [
    Case(files={"conda.yaml": beside("numpy=1.21.2=py38h20f2e39_0")}, severity="warning", at=("conda.yaml:4",)),
    Case(files={"conda.yaml": beside("_libgcc_mutex=0.1=main")}, severity="warning", says="the build main"),
    Case(files={"conda.yaml": beside("conda-forge::numpy==1.21.2=py38_0  # why")}, severity="warning"),
    Case(files={"conda.yaml": beside("'numpy 1.21.2 py38_0'")}, severity="warning"),
    Case(
        files={"conda.yaml": CONDA.replace("python=3.11.7", "python=3.11.7=h955ad1f_0")},
        severity="warning",
        at=("conda.yaml:2",),
    ),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": beside("numpy=1.26.4", "scipy==1.11", "pandas>=2,<3", "h5py 3.10", "x=1.*")}),
    Case(files={"conda.yaml": beside("numpy >=1.21, <2", "scipy=1.11=*")}),
    # Variants: the line without them would give another BLAS, or a build for GPUs.
    Case(files={"conda.yaml": beside("libblas=*=*openblas", "pytorch=2.1.0=cpu*", "torchvision=0.16=*cuda11.8*")}),
    Case(files={"conda.yaml": beside("scipy=1.11=^py311_[0-9]$", "h5py 3.10 nompi_*")}),
    Case(files={"conda.yaml": CONDA.replace("python=3.11.7", "python==3.11.7")}),
    Case(files={"conda.yaml": CONDA.replace("numpy==2.4.6", "numpy===2.4.6")}),
]
