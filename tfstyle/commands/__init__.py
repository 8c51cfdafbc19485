"""The programs: each module has `FLAGS`, a dataclass of `config`, and `main(config)`."""
