"""The three protocols: where each puts the value in a request, and how it words answers and errors."""
