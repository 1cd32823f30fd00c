"""The checks, by topic. Importing this package registers them all."""

from fenix_conformance.server.checks import actions, alarms, flow, lists, opaque, replies, sessions, wrong

__all__ = ["actions", "alarms", "flow", "lists", "opaque", "replies", "sessions", "wrong"]
