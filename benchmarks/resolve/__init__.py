"""envbuild's resolve beside what it resolves with: uv's own command for Python packages, conda-lock for conda's."""
