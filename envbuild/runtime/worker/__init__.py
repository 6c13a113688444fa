"""The process that holds the model or script: it decodes, predicts and encodes, one request at a time."""
