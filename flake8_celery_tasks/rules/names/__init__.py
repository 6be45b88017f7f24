"""1xx: how tasks are named."""
