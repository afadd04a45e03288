"""The output folder: its names, its tables, its check."""
