"""An array of numpy's, and a number that has a default of Python's own."""

import numpy as np
from helpers.scaling import scale
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema

PAIRS = NumpyParameterType(np.array([[1.0, 2.0]]))


def init():
    pass


@input_schema("data", PAIRS)
@output_schema(PAIRS)
def run(data, factor=2):
    # Of the type that was declared: a list times two would be longer.
    return scale(data, factor).tolist()
