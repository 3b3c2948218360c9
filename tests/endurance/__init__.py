"""Runs of minutes or hours on the real processes: all contracts, faults, a scan; and the tests of their judges."""
