"""The pure core of Zoe: everything that decides, as plain values in and plain values out.

Nothing in here does input or output, reads a clock, draws a random number or writes a log. Time and
identifiers come in as arguments, so that every decision can be repeated and tested.
"""
