"""`python -m website` writes the table of plugins into the README, and draws the pictures of docs/pictures/."""

from __future__ import annotations

from website import pictures, readme

readme.write()
pictures.draw()
