from lintcases import CONDA, Case, conda

from envbuild.resolver.types import WheelContents

GPU = {"torch": "2.5.1", "nvidia-cudnn-cu12": "9.1", "nvidia-cublas-cu12": "12.4"}
BY_OTHER = {"lib": WheelContents(name="lib", version="1", requires=("nvidia-nccl-cu12 ; sys_platform == 'linux'",))}
BY_EXTRA = {"lib": WheelContents(name="lib", version="1", requires=("nvidia-nccl-cu12 ; extra == 'gpu'",))}
TRIGGERS = [
    Case(
        files={"conda.yaml": conda("torch==2.5.1")},
        packages=GPU,
        severity="warning",
        at=("conda.yaml:5",),
        says="2 packages for NVIDIA GPUs, which torch brings",
    ),
    Case(
        files={"conda.yaml": conda("xgboost==2.1.1")},
        packages={"xgboost": "2.1.1", "nvidia-nccl-cu12": "2.23"},
        severity="warning",
        says="1 package for NVIDIA GPUs, which xgboost brings",
    ),
    Case(
        files={"conda.yaml": conda("lib==1")},
        packages={"lib": "1", "nvidia-nccl-cu12": "2.23"},
        contents=BY_OTHER,
        severity="warning",
        at=("conda.yaml:5",),
    ),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": conda("torch==2.5.1+cpu")}, packages={"torch": "2.5.1"}),
    Case(files={"conda.yaml": conda("torch==2.5.1+cu124")}, packages=GPU),
    Case(files={"conda.yaml": conda("torch==2.5.1", "nvidia-cudnn-cu12==9.1")}, packages=GPU),
    Case(files={"conda.yaml": conda("tensorflow[and-cuda]==2.16.1")}, packages=GPU),
    Case(files={"conda.yaml": conda("onnxruntime-gpu==1.20")}, packages=GPU),
    Case(files={"conda.yaml": CONDA.replace("- pip\n", "- pip\n- pytorch-cuda=12.4\n")}, packages=GPU),
    Case(files={"conda.yaml": conda("torch==2.5.1")}, packages=GPU, target={"accelerator": "cuda124"}),
    Case(files={"conda.yaml": conda("lib==1")}, packages={"lib": "1", "nvidiasmi": "1"}, contents=BY_EXTRA),
]
