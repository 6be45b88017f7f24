"""Facts about the file being checked, with their nodes: the input of the rules."""
