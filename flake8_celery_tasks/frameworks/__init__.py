"""What calls of other libraries do: Django's models and transactions, HTTP clients, mail."""
