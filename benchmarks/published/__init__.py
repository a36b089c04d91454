"""Numbers that papers report, one CSV per paper."""
