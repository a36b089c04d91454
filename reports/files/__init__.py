"""The report's folder on disk: assets and spreadsheet exports."""
