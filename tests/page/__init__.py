"""Tests of the page in a headless browser, against a local cloud: `make test-page`."""
