"""The rules' pages: their examples, what is generated from them, and the skeleton of a new one."""
