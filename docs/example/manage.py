"""A shop, to try the linter on: `flake8 --isolated --select=CLY docs/example`. Nothing here is meant to run."""
