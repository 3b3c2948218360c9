"""The search for what Spectrum does not hold any more as it was exported."""
