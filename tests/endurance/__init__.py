"""Runs of hours on the real processes: all contracts, faults, a scan. With tests of their judges."""
