"""What the suite judges itself by: an independent reference server, its mutants and its correct variants."""
