"""Judging a Fenix server: the laboratory that plays its projects' managers, and the checks over what was recorded."""
