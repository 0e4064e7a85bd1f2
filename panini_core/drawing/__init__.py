"""Pictures for people: numbered faces, sheets of pairs, plots."""
