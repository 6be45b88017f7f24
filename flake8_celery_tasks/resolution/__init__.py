"""Names and values are followed across files."""
