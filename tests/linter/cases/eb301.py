from lintcases import CONDA, Case, conda

SERVER = "  - azureml-inference-server-http>=1.4.1\n"


def marked(marker: str, **more: object) -> Case:
    """The server listed under a marker."""
    line = SERVER.replace("\n", f" ; {marker}\n")
    return Case(files={"conda.yaml": CONDA.replace(SERVER, line)}, **more)


TRIGGERS = [
    marked("sys_platform == 'win32'", at=("conda.yaml:9", "conda.yaml:8"), says="never holds"),
    marked("sys_platform != 'linux'"),
    marked("python_version < '3.8'"),
    marked("python_version < '3.11'", target={"python": "3.12"}),
    marked("platform_machine == 'aarch64'"),
    # In the file beside it the line does not count either, and gets its fix too.
    Case(
        files={
            "conda.yaml": CONDA.replace(SERVER, ""),
            "requirements.txt": "azureml-inference-server-http ; os_name == 'nt'\n",
        },
        at=("conda.yaml:8", "requirements.txt:1"),
    ),
    Case(files={"conda.yaml": CONDA.replace("  - azureml-inference-server-http>=1.4.1\n", "")}),
    Case(
        files={
            "conda.yaml": CONDA.replace("  - azureml-inference-server-http>=1.4.1\n", ""),
            "requirements.txt": "numpy==2.4.6\n",
        },
        at=("conda.yaml:8", "requirements.txt:1"),
    ),
]
NEAR_MISSES = [
    marked("sys_platform != 'win32'"),
    marked("python_version >= '3.8' or sys_platform == 'win32'"),
    marked("platform_machine == 'aarch64'", target={"platform": "linux/arm64"}),
    marked("platform_release >= '5'"),
    marked("sys_platform == 'win32'", server="envbuild"),
    Case(files={"conda.yaml": conda("azureml-inference-server-http ; sys_platform == 'win32'")}),
    Case(files={"conda.yaml": conda("numpy==2.4.6")}),
    Case(files={"conda.yaml": CONDA.replace("  - azureml-inference-server-http>=1.4.1\n", "")}, server="envbuild"),
]
