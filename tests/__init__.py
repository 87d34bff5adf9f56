"""The book's tests; a package, so that they share ``tests.browser``."""
