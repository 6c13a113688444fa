"""From a payload to what the model takes, by its signature, and from its answer back to JSON."""
