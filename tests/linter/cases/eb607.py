from lintcases import CONDA_TAIL, Case, conda

URL = "https://host/en_core_web_sm-3.7.1-py3-none-any.whl"
NAMED = f"en-core-web-sm @ {URL}"
HASH = "0" * 64
TRIGGERS = [
    Case(files={"conda.yaml": conda(NAMED)}, severity="warning", at=("conda.yaml:5",), says=URL),
    Case(
        files={"conda.yaml": conda(f"{NAMED} ; python_version > '3'"), "requirements.txt": f"{NAMED}\n"},
        severity="warning",
        at=("conda.yaml:5",),
    ),
    Case(files={"conda.yaml": conda(URL)}, severity="error", says="without the name"),
    Case(files={"conda.yaml": conda(URL)}, target={"azure": True}, severity="warning"),
    Case(files={"conda.yaml": conda(f"{NAMED}#egg=x")}, severity="warning"),
    Case(files={"conda.yaml": conda(f"{NAMED}#sha256=")}, severity="warning", says="nothing tells"),
    Case(files={"conda.yaml": conda(f"{NAMED}?sha256={HASH}")}, severity="warning", says="nothing tells"),
    # pip takes it; the lock knows wheels by their sha256.
    Case(files={"conda.yaml": conda(f"{NAMED}#sha512={HASH}{HASH}")}, severity="error", says="tells the sha512"),
    Case(files={"conda.yaml": conda(NAMED.replace("://", "://me:hunter2@"))}, severity="warning", says="***@host"),
]
NEAR_MISSES = [
    # What a marker leaves out is looked at by no installer.
    Case(files={"conda.yaml": conda(f"{NAMED} ; sys_platform == 'win32'", f"{URL} ; python_version < '3.8'")}),
    Case(files={"conda.yaml": conda(f"{NAMED}#sha256={HASH}")}),
    Case(files={"conda.yaml": conda(f"{NAMED}#egg=en-core-web-sm&sha256={HASH}")}),
    Case(files={"conda.yaml": conda(f"{NAMED}#sha512={HASH}{HASH}&sha256={HASH}")}),
    Case(
        files={"conda.yaml": conda(f"{NAMED}#sha512={HASH}{HASH}", f"{URL}#egg=x&sha384={HASH}")},
        target={"azure": True},
    ),
    Case(
        files={
            "conda.yaml": None,
            "requirements.txt": f"{NAMED} \\\n  --hash=sha256:{HASH}\nx==1\n" + CONDA_TAIL.replace("  - ", ""),
        }
    ),
    Case(files={"conda.yaml": conda("en-core-web-sm==3.7.1", "https://host/x-1.0.tar.gz")}),
    Case(files={"conda.yaml": conda("./en_core_web_sm-3.7.1-py3-none-any.whl")}),
]
