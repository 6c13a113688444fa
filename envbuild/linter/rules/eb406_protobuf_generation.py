"""EB406: modules that an old protoc wrote, beside a protobuf that refuses them."""

from __future__ import annotations

from ..pairs import PairRule


class ProtobufGeneration(PairRule):
    """A package with modules of an old protoc gets protobuf 4 or newer.

    *What it does*: knows the versions of packages whose `_pb2` modules were written before protoc 3.19 and that do not
    hold protobuf back, and looks for a protobuf from 4 on beside them.

    *Why it breaks*: the import stops at `TypeError: Descriptors cannot be created directly`, with a
    newer one at `cannot import name 'service' from 'google.protobuf'`.

    *Example*: `mlflow==1.26.1` without a line for protobuf.

    *Use instead*: `protobuf<4` among the requirements.

    *Source*: protobuf, news of 2022-05-06; mlflow/mlflow issue 5949 and pull request 6215.
    """

    code = "EB406"
    name = "protobuf-generation"
    facts = "protobuf_generation.json"
    why = "has modules of an old protoc"
