"""What is known of each task, one fact at a time: each option with its value and where that comes from."""
