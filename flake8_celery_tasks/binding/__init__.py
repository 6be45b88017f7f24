"""One tree becomes scopes, symbols and symbolic values."""
