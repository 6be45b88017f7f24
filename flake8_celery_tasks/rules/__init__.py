"""The rules: one file each, in the folder of its topic; the folders are the registry."""
