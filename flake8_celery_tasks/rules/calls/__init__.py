"""6xx: calls of tasks, signatures and canvas."""
