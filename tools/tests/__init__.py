"""What of the tools can be tested without a cloud: `make test-python`."""
