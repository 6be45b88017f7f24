"""3xx: acknowledgement."""
