"""The bytecode layer: which modules start-up imports, and their .pyc files, made by the base's own Python."""
