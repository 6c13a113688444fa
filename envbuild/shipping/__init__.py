"""Where a finished image goes: into a container engine, sending only the layers that it lacks."""
