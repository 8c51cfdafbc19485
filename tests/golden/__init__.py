"""Reference values, and what made them."""
