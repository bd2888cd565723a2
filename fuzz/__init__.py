"""Tries the code with inputs that libFuzzer makes from what it has seen: `make fuzz`."""
