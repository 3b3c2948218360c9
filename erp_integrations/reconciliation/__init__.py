"""Whether Spectrum still holds what was exported."""
