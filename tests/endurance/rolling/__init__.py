"""A rolling upgrade under load: from the commit before the newest migration, each by its own processes."""
