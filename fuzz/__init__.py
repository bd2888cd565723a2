"""Fuzz tests with libFuzzer: `make fuzz`."""
