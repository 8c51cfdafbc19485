"""Measures what makes stylized pictures, beside others, and shows them.

One pair's way: `pairs` names a content and a style file → a `systems` system makes the picture, in
a process of its own (`painting`), or says where it is → `measuring` compares it with its content
and its style → `results` keeps the row, so that a run can go on → `summary` has means, intervals
and differences → `tables`, `html_report` and `page` show them, with the pictures.

`measurement.evaluate` goes this way for all of them.
"""
