"""The plays: what the projects' managers do in each of the sessions that the checks judge."""
