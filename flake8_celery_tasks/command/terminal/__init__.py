"""What only a terminal has: progress while a run lasts, and completion of what is typed."""
