"""2xx: binding and retries."""
