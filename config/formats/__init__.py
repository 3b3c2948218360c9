"""How people read dates and times, by language."""
