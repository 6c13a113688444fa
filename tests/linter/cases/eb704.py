from lintcases import CONDA, Case


def beside(*packages: str) -> str:
    return CONDA.replace("- pip\n", "- pip\n" + "".join(f"- {text}\n" for text in packages))


TRIGGERS = [
    Case(files={"conda.yaml": beside("cudatoolkit=11.8")}, at=("conda.yaml:4",), says="CUDA"),
    Case(files={"conda.yaml": beside("GDAL=3.6")}, says="gdal"),
    Case(files={"conda.yaml": beside("r-base=4.2", "r-caret")}, says="it is R"),
    Case(files={"conda.yaml": beside("openmpi")}, says="openmpi"),
    Case(
        files={"conda.yaml": beside("_libgcc_mutex=0.1", "libgcc-ng=11.2.0", "openssl=3.0")},
        at=("conda.yaml:4",),
        severity="warning",
    ),
    Case(files={"conda.yaml": beside("vs2015_runtime=14.2", "m2w64-gcc-libs")}, says="Windows", severity="warning"),
]
NEAR_MISSES = [
    # Its channel has it.
    Case(files={"conda.yaml": beside("GDAL=3.6")}, target={"conda": "auto"}),
    Case(files={"conda.yaml": beside("libgcc-ng")}, target={"conda": "always"}),
    Case(files={"conda.yaml": beside("cudatoolkit=11.8")}, target={"azure": True}),
    Case(files={"conda.yaml": beside("rasterio=1.3", "graphviz2drawio", "python-graphviz", "ray-core")}),
    Case(files={"conda.yaml": CONDA.replace("- pip\n", "- pip<=26.3\n- setuptools=75\n- wheel\n")}),
    Case(files={"conda.yaml": CONDA.replace("numpy==2.4.6", "gdal==3.6.2")}),
]
