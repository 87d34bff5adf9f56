"""Measures, one idea a file, each tested against a closed form or a brute-force computation."""
