"""The commands of ``fenix-conformance``, one module each."""
