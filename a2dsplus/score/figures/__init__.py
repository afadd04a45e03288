"""From counts to figures, with their intervals."""
