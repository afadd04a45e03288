"""A2D-S+: construct, check, score and baseline the language-guided video segmentation benchmark."""

__version__ = "0.1.0"
