"""Tests of the Python package. They use the library that ERYX_LIBRARY names, or the one inside of the package."""
