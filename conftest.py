"""Doctests of pictures are collected where matplotlib is installed."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("matplotlib") else ["skrnn/plotting"]
