"""Paired measurements that anyone can run: `python -m benchmarks --help`.

This package and the usual pipeline (facexlib's FaceRestoreHelper around GFPGAN's network as
spandrel has it) do the same work in turn, in one process, so that a busy machine slows both.
"""
