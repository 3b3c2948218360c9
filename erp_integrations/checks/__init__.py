"""Everything that stands in the way of an export, and that a person should know before it."""
