"""5xx: how a task is defined."""
