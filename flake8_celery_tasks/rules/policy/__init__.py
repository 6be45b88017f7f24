"""9xx: house policy, all of it opt-in."""
