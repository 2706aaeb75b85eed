"""Data the programs read: participants, rule sets, examples."""
