"""The commands of ``fenix-simulator``, one module each. Importing one imports click and nothing heavier."""
