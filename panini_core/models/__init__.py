"""The networks: plain torch modules, no file access and no image conventions beyond [-1, 1]."""
