"""Does `serve` last: a soak, slow clients, kill -9 again and again, a full disk, a read-only journal.

Real servers on loopback, as processes. ``run.py`` is the command; each run tells figures and what did not hold.
"""
