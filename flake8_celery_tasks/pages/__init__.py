"""The rules' pages: their examples, the documents generated from them, and the template for a new rule."""
