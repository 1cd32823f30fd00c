"""Every scenario of ``flows/*.feature`` as a test."""

from pathlib import Path

from pytest_bdd import scenarios

# Absolute, so that a bdd_features_base_dir in somebody's ini file changes nothing.
scenarios(str(Path(__file__).parent / "flows"))
