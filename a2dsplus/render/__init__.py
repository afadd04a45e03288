"""Composed samples as frames: streamed, written as mp4 or as images, or read on the fly."""
