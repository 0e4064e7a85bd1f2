"""Stands in for `comfy`: its modules can be imported, and that is all that schemas need."""
