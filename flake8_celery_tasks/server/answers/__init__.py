"""What the server answers, each question in a module of its own."""
