"""What the simulator answers over HTTP: one blueprint per surface, wired by ``app.create_app``."""
