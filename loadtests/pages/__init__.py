"""The way through the pages as a browser without JavaScript goes it: it reads HTML, sends forms, follows 303s."""

UNNAMED = "unnamed "
"""Begins a receipt that stands for an effect of which a page says that it is there, but not under which id."""
