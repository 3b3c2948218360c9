"""The Celery application. The database is the truth; a message only wakes a worker."""

import logging
import os
from typing import Any

from celery import Celery
from celery.signals import celeryd_init
from django.conf import settings

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
app.steps["worker"].add("config.worker:Scheduler")  # by name: a worker loads the models first
