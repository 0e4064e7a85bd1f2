"""The laboratory's commands; `panini` finds them here. One file a command."""
