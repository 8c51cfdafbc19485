"""Measures and compares systems that make stylized pictures, and reports the results.

The path of one pair: `pairs` names a content and a style file → a system of `systems` makes the
picture, in its own process (`painting`), or says where it is → `measuring` compares it with its
content and its style → `results` stores the row, so that a run can resume → `summary` computes
means, intervals and differences → `tables`, `html_report` and `page` show them, with the pictures.

`measurement.evaluate` does this for all pairs.
"""
