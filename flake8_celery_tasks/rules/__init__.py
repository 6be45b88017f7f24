"""The rules: one file each, in the folder of its topic. The folders are the registry."""
