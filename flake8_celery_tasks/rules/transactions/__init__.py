"""7xx: transactions of Django."""
