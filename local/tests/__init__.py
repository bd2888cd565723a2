"""What of `local` can be tried without a cloud. `make test-local` runs it."""
