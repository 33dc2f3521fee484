"""What is checked before a release: `make release-check`, and the quick half of it in `make check`."""
