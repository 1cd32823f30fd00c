"""A storm of alarms to one VNFM, and how soon it replies to each."""
