"""The build: the pipeline's stages in order, and a dataset in numbers and pictures."""
