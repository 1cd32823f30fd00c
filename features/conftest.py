"""Lets the flows be played from a checkout that is not installed."""

import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec("fenix_features") is None:
    sys.path.insert(0, str(Path(__file__).parent))
