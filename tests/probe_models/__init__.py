"""Models of tests, each in one file."""
