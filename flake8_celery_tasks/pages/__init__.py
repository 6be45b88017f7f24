"""The rules' pages, and the documents that are generated from them."""
