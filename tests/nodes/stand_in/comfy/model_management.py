"""Empty: reading the schemas of the nodes needs nothing of it."""
