"""What clients of Azure ML's protocol wrap around the values for a model."""

from __future__ import annotations

import pytest
from codec_support import module

unwrapped = module("codec.call").unwrapped
signatures = module("codec.signature")
Column, Signature, parse_signature = signatures.Column, signatures.Signature, signatures.parse_signature
PIPELINE = Signature(pipeline=True)


@pytest.mark.parametrize("flavor", ["transformers", "hftransformersv2"])
def test_the_flavor_makes_a_pipeline(flavor):
    assert parse_signature({"flavors": {"python_function": {}, flavor: {}}}).pipeline
    assert not parse_signature({"flavors": {"python_function": {}}}).pipeline
    assert not parse_signature({}).pipeline


@pytest.mark.parametrize(
    ("payload", "params", "found"),
    [
        ({"input_string": ["a"], "parameters": {"t": 1}}, None, (["a"], {"t": 1})),
        ({"input_string": ["a"]}, {"t": 2}, (["a"], {"t": 2})),
        ({"input_data": {"input_string": "a", "parameters": None}}, None, ("a", None)),
        # Params beside the data are the request's own: what is within it is data then.
        ({"x": 1, "parameters": {"t": 1}}, {"t": 2}, ({"x": 1, "parameters": {"t": 1}}, {"t": 2})),
        ({"question": "q", "context": "c", "parameters": {}}, None, ({"question": "q", "context": "c"}, {})),
        (["a"], None, (["a"], None)),
    ],
)
def test_a_pipeline_is_asked_as_azure_mls_script_has_it(payload, params, found):
    assert unwrapped(payload, params, PIPELINE) == found


def test_the_request_is_left_as_it_was():
    payload = {"input_string": ["a"], "parameters": {"t": 1}}
    unwrapped(payload, None, PIPELINE)
    assert payload == {"input_string": ["a"], "parameters": {"t": 1}}


def test_names_of_the_models_own_come_first():
    columns = tuple(Column(name, "string", True) for name in ("input_string", "parameters"))
    payload = {"input_string": ["a"], "parameters": ["b"]}
    assert unwrapped(payload, None, Signature(columns=columns, pipeline=True)) == (payload, None)


def test_other_models_are_asked_with_what_is_there():
    payload = {"input_string": ["a"], "parameters": {"t": 1}}
    assert unwrapped({"input_data": payload}, None, Signature()) == (payload, None)
