"""Run within an image: saves, with the image's own MLflow, models that only MLflow can write, into the working folder.

`chat` is a ChatModel; `hinted` takes what its type hints say; `unified` says what it is given.
"""

import sys
from pathlib import Path

import mlflow.pyfunc
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import AnyType, Array, Object, Property

CHAT = """
from mlflow.models import set_model
from mlflow.pyfunc import ChatModel
from mlflow.types.llm import ChatChoice, ChatCompletionResponse, ChatMessage


class Echo(ChatModel):
    def predict(self, context, messages, params):
        said = ChatMessage(role="assistant", content=f"{messages[-1].content} {params.temperature} {params.max_tokens}")
        return ChatCompletionResponse(choices=[ChatChoice(index=0, message=said)], model="echo")


set_model(Echo())
"""
HINTED = """
from typing import Optional

import pydantic
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel


class Item(pydantic.BaseModel):
    name: str
    count: int
    tags: Optional[list[str]] = None


class Hinted(PythonModel):
    def predict(self, model_input: list[Item]) -> list[str]:
        return [f"{type(item).__name__} {item.name * item.count} {item.tags}" for item in model_input]


set_model(Hinted())
"""
UNIFIED = """
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel


class Unified(PythonModel):
    def predict(self, context, model_input, params=None):
        given = model_input.to_dict("records") if isinstance(model_input, pd.DataFrame) else model_input
        return {"given": given, "params": params}


set_model(Unified())
"""

message = Object([Property("role", DataType.string), Property("content", DataType.string)])
SIGNATURE = ModelSignature(
    inputs=Schema(
        [
            ColSpec(Array(message), "messages", required=False),
            ColSpec(DataType.string, "prompt", required=False),
            ColSpec(AnyType(), "input", required=False),
        ]
    ),
    params=ParamSchema(
        [
            ParamSpec("temperature", "double", 0.5),
            ParamSpec("stop", "string", ["."], (-1,)),
            ParamSpec("n", "long", 1),
        ]
    ),
)
MODELS = {"chat": (CHAT, {}), "hinted": (HINTED, {}), "unified": (UNIFIED, {"signature": SIGNATURE})}

for name, (code, more) in MODELS.items():
    path = Path(f"{name}.py")
    path.write_text(code)
    mlflow.pyfunc.save_model(name, python_model=str(path), pip_requirements=[], **more)
sys.exit(0 if all(Path(name, "MLmodel").is_file() for name in MODELS) else 1)
