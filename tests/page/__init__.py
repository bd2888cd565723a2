"""Tests of the page in a real browser, headless, against a local cloud: `make test-page`."""
