"""The task contract: what other code relies on in a project's tasks, and which changes break it."""
