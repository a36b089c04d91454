"""What pages are made of: tables, figures, galleries, numbers."""
