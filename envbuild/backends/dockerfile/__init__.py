"""The Dockerfile backend: a build context that a person can read and build by hand, and the build of it."""
