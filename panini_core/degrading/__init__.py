"""How clean pictures are made worse: the degradation model and its parameters."""
