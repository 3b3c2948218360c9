"""What stands in the way of an export, and what a person should know before it."""
