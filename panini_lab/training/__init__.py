"""Training of both stages: the degradation encoder (UDRL) and the restorer."""
