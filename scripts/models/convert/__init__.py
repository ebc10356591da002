"""Converters from what a package holds to what weir loads.

Each converter is a function `convert(members, output)`: `members` are the files that the registry entry names, already
extracted, in the registry's order; it writes the entry's output files into the folder `output`. The same input gives the
same bytes: the registry holds the digest of every output.
"""
