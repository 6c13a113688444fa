"""The messages of a chat for MLflow's ChatModel, checked before the model is asked.

MLflow's signature for it says that a message need not have content. Its own class for messages says when it must, and
raises in the midst of the prediction, as if the model had.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from ..codec.scalars import kind_of
from ..errors import InputError

WRAPPER = "mlflow.pyfunc.loaders.chat_model"
"""Where the class is that makes messages of the input of a ChatModel."""
WANTED = "a message with a 'role' and with 'content', 'tool_calls' or a 'refusal'"


def is_chat_model(model: Any) -> bool:
    """Tell whether a loaded PyFuncModel is a ChatModel, however it was saved."""
    return type(getattr(model, "_model_impl", None)).__module__ == WRAPPER


def check_messages(data: Any) -> None:
    """Let MLflow's class read each message; InputError names the one that it would refuse."""
    from mlflow.types.llm import ChatMessage

    read: Callable[[Any], Any] = ChatMessage.from_dict
    messages = data.get("messages") if isinstance(data, dict) else None
    for number, message in enumerate(messages if isinstance(messages, list) else ()):
        try:
            read(copy.deepcopy(message))
        except Exception:  # ValueError, TypeError, AttributeError: its text may hold what the caller sent
            got = _got(message)
            raise InputError(f"body, messages[{number}]: expected {WANTED}, got {got}") from None


def _got(message: Any) -> str:
    if not isinstance(message, dict):
        return kind_of(message)
    for name in ("role", "content"):
        if name not in message:
            return f"an object without {name!r}"
        if not isinstance(message[name], str):
            return f"{kind_of(message[name])} as its {name!r}"
    return "an object of other members"
