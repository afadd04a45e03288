"""Figures as text, as a page, as pictures, beside the published rows."""
