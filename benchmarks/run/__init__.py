"""A run: cases, renders, scores, rows."""
