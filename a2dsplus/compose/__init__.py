"""Composed samples: geometry and frame maps, ground truth, frames streamed, written, or read on the fly."""
