from lintcases import MLMODEL, Case

# As MLflow writes them: paddle adds the endings to the path that it is given.
PADDLE = MLMODEL.replace("mlflow.sklearn", "mlflow.paddle").replace("model.pkl", "model")
PADDLE = PADDLE.replace("flavors:\n", "flavors:\n  paddle:\n    pickled_model: model\n    paddle_version: 3.1.0\n")
TRIGGERS = [
    Case(files={"model.pkl": None}, at=("MLmodel:5",), says="model.pkl"),
    Case(files={"MLmodel": PADDLE, "model.pkl": None, "models.pdmodel": b"x"}, at=("MLmodel:8",), says="'model'"),
    # Others name the file itself.
    Case(files={"MLmodel": MLMODEL.replace("model.pkl", "model")}, says="'model'"),
    *(
        Case(files={"MLmodel": MLMODEL.replace("flavors:\n", f"flavors:\n  x:\n    {key}: model\n")}, says=f"`{key}`")
        for key in ("model_binary", "model_data", "saved_model_dir")
    ),
]
NEAR_MISSES = [
    Case(files={"MLmodel": MLMODEL.replace("flavors:\n", "flavors:\n  x: {model_binary: model}\n"), "model/a": "x"}),
    Case(files={"MLmodel": MLMODEL.replace("model_path: model.pkl", "model_path: ./model.pkl")}),
    Case(files={"MLmodel": PADDLE, "model.pkl": None, "model.pdmodel": b"x", "model.pdiparams": b"x"}),
]
