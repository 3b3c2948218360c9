"""Who can reach what must not be reached, by any sequence. `script/goals` runs it; see docs/goals.md."""
