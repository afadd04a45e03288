"""What is counted of masks: pixels, contours, runs."""
