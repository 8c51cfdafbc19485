"""Development commands; paths may be outside the repository."""
