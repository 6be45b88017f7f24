"""9xx: house policy. All of them are opt-in."""
