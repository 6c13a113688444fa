from lintcases import CONDA, Case, conda

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
SERVER = f"azureml-inference-server-http==1.5.1 --hash={A}\nazureml-ai-monitoring==1.0.0 --hash={B}\n"
TRIGGERS = [
    Case(
        files={
            "conda.yaml": None,
            "requirements.txt": SERVER + f"numpy==2.4.6 \\\n  --hash={A} \\\n  --hash={B}\nscipy\n",
        },
        severity="warning",
        at=("requirements.txt:6",),
        says="scipy does not: pip refuses them",
    ),
    Case(
        files={"conda.yaml": conda(f"numpy==2.4.6 --hash={A}")}, severity="warning", says="azureml-ai-monitoring do not"
    ),
    # Azure's image is made by pip from the same file.
    Case(files={"conda.yaml": conda(f"numpy==2.4.6 --hash={A}")}, target={"azure": True}),
    # Beside the file that counts it breaks other tools alone.
    Case(
        files={"requirements.txt": f"numpy==2.4.6 --hash={A}\npandas\n"}, severity="warning", at=("requirements.txt:2",)
    ),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": None, "requirements.txt": SERVER + f"numpy==2.4.6 \\\n  --hash={A} \\\n  --hash={B}\n"}),
    Case(
        files={
            "conda.yaml": None,
            "requirements.txt": SERVER + "numpy\n-c constraints.txt\n",
            "constraints.txt": f"numpy==2.4.6 --hash={A}\n",
        }
    ),
    Case(files={"conda.yaml": CONDA, "requirements.txt": "numpy==2.4.6  # --hash=sha256:aa\npandas\n"}),
    Case(
        files={
            "conda.yaml": None,
            "requirements.txt": SERVER
            + f"x @ https://a.example/x-1-py3-none-any.whl#{A}\n".replace("sha256:", "sha256="),
        }
    ),
]
