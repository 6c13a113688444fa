"""The servers beside each other under load: MLflow's, Azure ML's and envbuild's, in one environment of packages."""
