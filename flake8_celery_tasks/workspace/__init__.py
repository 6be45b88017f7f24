"""The project's files: finding them, placing them in the import system, scanning their bytes, and the cache."""
