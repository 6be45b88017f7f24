"""The answers to editor requests, one module for each kind of request."""
