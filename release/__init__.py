"""What is checked before a release: `make release-check`, and the whole of it in `make nightly`."""
