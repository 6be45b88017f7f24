"""The protocol: documents, questions and answers as the client has them."""
