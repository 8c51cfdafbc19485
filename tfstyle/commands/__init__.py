"""The programs: each module has `main(argv)`, run by `tfstyle NAME` and by `NAME.py`."""
