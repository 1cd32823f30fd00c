"""The gallery: project managers that break one rule each, and fair ones that keep all of them in ways of their own.

Each module has a theme and a tuple ``BEHAVIOURS``; ``fenix_vnfm.behaviours`` has them all by name.
"""
