"""Spectrum's vendors, jobs and phases as they were last read, and what of ours is linked to them."""
