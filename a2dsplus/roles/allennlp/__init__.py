"""AllenNLP itself, in its own Python 3.10 environment, as the reference for SRL archives."""
