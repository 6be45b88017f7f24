"""4xx: app boundaries and sending by name."""
