"""A connection to Spectrum: its settings, its health, and what stops it or lets it go on."""
