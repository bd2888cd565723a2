"""A model of what the system costs on AWS: `python3 -m cost`. It measures nothing and calls no service."""
