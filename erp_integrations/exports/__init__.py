"""The workers' half of an export: send it once, find out what became of it, read it back."""
