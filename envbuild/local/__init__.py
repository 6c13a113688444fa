"""The same server on this machine: an environment from a lock, a process or a container, and its trial."""
