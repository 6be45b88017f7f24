"""What is known of each task: the inventory, and one fact at a time with its value and where that comes from."""
