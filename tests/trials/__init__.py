"""The row checks, tried on files of commitments with known faults: ``script/checks-trial``."""
