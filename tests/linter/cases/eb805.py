from lintcases import MLMODEL, Case, conda

RECORDED = MLMODEL.replace("flavors:\n", "flavors:\n  sklearn:\n    sklearn_version: 1.3.2\n")
TRIGGERS = [
    Case(files={"conda.yaml": conda("sklearn==1.3.2")}, at=("conda.yaml:5",), says="that brings it is scikit-learn"),
    Case(files={"conda.yaml": conda("sklearn==0.0"), "MLmodel": RECORDED}),
    Case(files={"conda.yaml": conda("numpy==2.4.6", "sklearn==0.0.post12")}, at=("conda.yaml:6",)),
    Case(files={"conda.yaml": conda("scikit-learn==1.3.2", "sklearn"), "requirements.txt": "sklearn\nscikit-learn\n"}),
    Case(files={"conda.yaml": conda("PIL", '"cv2>=4.9"')}, at=("conda.yaml:5",)),
    Case(
        files={"conda.yaml": conda("yaml ; python_version > '3.8'"), "requirements.txt": "yaml\n"},
        at=("conda.yaml:5", "requirements.txt:1"),
    ),
    Case(files={"conda.yaml": conda("pytorch==2.9.1  # for the model")}),
    Case(files={"conda.yaml": conda("cv2==4.8.0", "numpy==1.26.4"), "requirements.txt": "cv2==4.8.0\n"}),
    Case(files={"conda.yaml": conda("cv2==4.8.0"), "requirements.txt": "cv2==4.9.0\n"}),
    Case(files={"conda.yaml": conda("PIL==1.1.6")}),
]
NEAR_MISSES = [
    Case(files={"conda.yaml": conda("scikit-learn==1.3.2", "sklearn-pandas==2.2.0", "sklearn2pmml==0.100")}),
    Case(
        files={"conda.yaml": conda("pyyaml==6.0", "ruamel.yaml==0.18", "pillow==10.2", "opencv-python-headless==4.9")}
    ),
    Case(files={"conda.yaml": conda("torch==2.1.0", "pytorch-lightning==2.2", "python-dateutil==2.9")}),
    # One's own package of that name.
    Case(files={"conda.yaml": conda("yaml @ https://example.org/yaml-1.0-py3-none-any.whl")}),
]
