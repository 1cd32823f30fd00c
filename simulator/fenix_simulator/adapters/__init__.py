"""Adapters: each lets one mechanism (a clock, a thread, a file, HTTP) play a role that ``ports`` names."""
