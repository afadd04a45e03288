"""Pictures and masks at rest and in memory: clips as frames, masks as run lengths."""
