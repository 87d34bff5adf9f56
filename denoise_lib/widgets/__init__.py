"""Widgets built on links between ipywidgets: they move with a kernel and without one."""
