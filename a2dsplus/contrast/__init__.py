"""Contrast pairs: for every query, captions that share some but not all of its roles (paper, section 4.1)."""
