"""Two decorators that each say what run() is given, and not the same."""

from azureml_inference_server_http.api.aml_request import rawhttp
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema


def init():
    pass


@rawhttp
@input_schema("request", StandardPythonParameterType(1))
def run(request):
    return request
