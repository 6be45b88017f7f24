"""The project's files: which they are, where they are, what their bytes say, and what is kept of them."""
