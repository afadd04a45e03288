"""What a full disk and a kill leave: real system calls of a real process fail or end it, at a chosen write."""
