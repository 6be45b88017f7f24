"""The task contract: what others rely on of a project's tasks, and what of that a change breaks."""
