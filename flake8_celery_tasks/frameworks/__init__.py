"""The effects of calls to other libraries: Django's models and transactions, HTTP clients, mail."""
