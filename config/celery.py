"""The Celery application. The database is the truth; a message only wakes a worker."""

import logging
import os
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, task_prerun
from django.conf import settings
from django.db import close_old_connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

logger = logging.getLogger(__name__)


@celeryd_init.connect
def check_worker_signing_key(**_: Any) -> None:
    """A worker that can sign lets whoever gets into it accept."""
    if settings.DECISION_SIGNING_KEY and not settings.DEVELOPMENT:
        logger.warning("DECISION_SIGNING_KEY is set here: take it away, only web signs (docs/history.md).")


app = Celery("ledgergate")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
task_prerun.connect(close_old_connections)
app.steps["worker"].add("config.worker:Scheduler")  # by name: a worker loads the models first
