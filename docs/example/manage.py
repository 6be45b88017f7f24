"""A shop, to try the linter on: `flake8 --isolated --select=CLY,E9 docs/example`. Nothing here is meant to run."""
