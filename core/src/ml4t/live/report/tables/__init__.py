"""The tables of a report, one to a module: each is made of plain records, and drawn by `grid` or by a page."""
