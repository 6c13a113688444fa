from lintcases import Case, conda


def case(line: str, **more: object) -> Case:
    return Case(files={"conda.yaml": conda(line)}, **more)


INFO = {"severity": "info", "at": ("conda.yaml:5",)}
TRIGGERS = [
    case('numpy==1.26.4 ; python_version < "3.9"', says="linux/amd64 with Python 3.11", **INFO),
    case('pywin32 ; sys_platform == "win32" and python_version < "3.9"', **INFO),
    case('numpy ; python_full_version < "3.11.0"', **INFO),
    case('numpy ; platform_machine == "aarch64"', **INFO),
    case('numpy ; extra == "gpu"', **INFO),
    case('numpy ; implementation_name == "pypy" and python_version >= "3.8"', **INFO),
    case('numpy ; python_version >= "3.11"', target={"python": "3.10"}, **INFO),
    # conda.yaml gives a range, and MLmodel the Python.
    Case(files={"conda.yaml": conda('numpy ; python_version < "3.9"').replace("=3.11.7", ">=3.6")}, **INFO),
]
NEAR_MISSES = [
    case('numpy ; sys_platform != "win32"'),
    # Meant for other systems.
    case('pywin32==306 ; sys_platform == "win32"'),
    case('tensorflow-macos ; platform_system == "Darwin" and platform_machine == "arm64"'),
    # Which patch version the base brings is not known here.
    case('numpy ; python_full_version < "3.11.4"'),
    case('numpy ; platform_release >= "5"'),
    case('numpy ; platform_machine == "aarch64"', target={"platform": "linux/arm64"}),
    case('numpy ; sys_platform == "win32" or python_version >= "3"'),
    # No file tells the Python.
    Case(
        files={
            "MLmodel": "flavors: {python_function: {loader_module: m}}\n",
            "conda.yaml": "dependencies:\n- pip:\n  - numpy ; python_version < '3'\n",
        }
    ),
]
