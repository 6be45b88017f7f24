"""Rules are loaded and run; findings are kept, compared and listed."""
