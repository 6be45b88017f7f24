"""Code that all layers share: options, the violation, the usage error, records, memoised queries."""
