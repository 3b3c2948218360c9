"""How long is waited before something that failed is tried again."""

import random
from datetime import timedelta


def get_back_off(retry_count: int, *, first: timedelta, longest: timedelta) -> timedelta:
    """Doubled by each try, scattered by a quarter so that many don't come back at one moment, and capped."""
    scatter = random.uniform(0.75, 1.25)  # nosec B311  # no secret
    return min(first * 2.0 ** min(max(retry_count - 1, 0), 20) * scatter, longest)
