from lintcases import CONDA_HEAD, CONDA_TAIL, Case, conda

TRIGGERS = [
    Case(files={"conda.yaml": conda("pywin32==306")}, severity="warning", at=("conda.yaml:5",), says="Windows"),
    Case(
        files={"conda.yaml": conda("PyObjC_framework.Cocoa==10.0"), "requirements.txt": "pyobjc-framework-cocoa\n"},
        severity="warning",
        at=("conda.yaml:5", "requirements.txt:1"),
        says="macOS",
    ),
    Case(files={"conda.yaml": conda("tensorflow-macos==2.13.0")}, severity="warning", at=("conda.yaml:5",)),
    Case(files={"conda.yaml": conda("tensorflow==2.13.0", "tensorflow-intel==2.13.0")}, severity="warning"),
    Case(files={"conda.yaml": conda("pywinpty==2.0")}, target={"azure": True}),
    Case(files={"conda.yaml": conda("'pywin32==306'", '"pywinpty"')}, severity="warning"),
    Case(files={"conda.yaml": conda("pywin32==306; python_version >= '3.8'")}, severity="warning"),
    Case(
        files={"conda.yaml": conda("pywin32==306; sys_platform == 'win32' or os_name == 'posix'")}, severity="warning"
    ),
    Case(files={"conda.yaml": conda("appnope==0.1.4")}, severity="info", says="does nothing there"),
    Case(
        files={"conda.yaml": None, "requirements.txt": "pywin32==306  # why\n" + CONDA_TAIL.replace("  - ", "")},
        severity="warning",
        at=("requirements.txt:1",),
    ),
    Case(files={"conda.yaml": CONDA_HEAD.replace("- pip:", "- pip: [pywin32==306, numpy]")}, severity="warning"),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": conda("pywin32==306 ; sys_platform == 'win32'")}),
    Case(files={"conda.yaml": conda("pywin32==306 ; platform_system == 'Windows' and python_version < '3.12'")}),
    Case(files={"conda.yaml": conda("appnope ; sys_platform != 'linux'")}),
    Case(files={"conda.yaml": conda("pywin32==306 ; sys_platform == 'win32' or platform_system == 'Windows'")}),
    Case(files={"conda.yaml": conda("pywin32==306 ; 'win32' == sys_platform")}, target={"azure": True}),
    Case(files={"conda.yaml": conda("pywin32==306 ; sys_platform in 'win32 cygwin'")}),
    Case(files={"conda.yaml": conda("tensorflow-intel ; platform_system=='Windows' or platform_system=='Darwin'")}),
    Case(files={"conda.yaml": conda("pywin32-ctypes==0.2.2", "tensorflow-metadata==1.15", "tensorflow==2.16.1")}),
    Case(files={"conda.yaml": conda("numpy==2.4.6", "pywinrm==0.4", "mlx==0.32")}),
]
