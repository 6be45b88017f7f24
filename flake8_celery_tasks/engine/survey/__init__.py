"""What is known about each task: the inventory, and single facts with their values and where those come from."""
