"""What the file at hand says, with its nodes: what rules are given."""
