"""The review of sampled pairs: the log of verdicts, the queue of each reviewer, and the page that shows them."""
