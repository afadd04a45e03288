"""Training of the compact semantic-role model: corpora, written captions, augmentation, self-training and the loop."""
