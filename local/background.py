"""The product's Celery application, which also says when a worker is truly up.

`celery -A local.background worker` instead of `-A config`: the product itself knows nothing of
how one machine starts it.
"""

import os
from pathlib import Path
from typing import Any

from celery.signals import worker_ready

from config.celery import app
from local.programs import READY_FILE

__all__ = ["app"]


@worker_ready.connect
def say_ready(**_: Any) -> None:
    """Connected to the broker."""
    if name := os.environ.get(READY_FILE):
        Path(name).write_text(f"{os.getpid()}\n")
