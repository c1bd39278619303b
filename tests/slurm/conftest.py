"""The finished local run that the one on SLURM is compared with is the end-to-end tests' own."""

from e2e.conftest import new_clone, smoke  # noqa: F401
