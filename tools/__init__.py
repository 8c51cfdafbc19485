"""Development commands; they may be told paths outside the repository."""
