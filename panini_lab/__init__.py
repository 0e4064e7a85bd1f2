"""The laboratory: training, studies and metrics of `panini_core`, and their commands.

Imports the core; the core does not know it, but for the commands that `panini` finds here.
"""
