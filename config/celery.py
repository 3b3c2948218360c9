"""The Celery application. The database is the truth; a message only wakes a worker."""

import logging
import os
from typing import Any

from celery import Celery, Task
from celery.signals import beat_init, celeryd_init
from django.conf import settings
from kombu.exceptions import OperationalError

from config.poller import Poller

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

logger = logging.getLogger(__name__)


class WakeUp(Task[Any, Any]):
    """A task whose message may be lost: what it would have done stands in the database.

    With the broker down, publishing raises after the decision was saved. The caller must
    not fail for that: the poller and the sweep find the row.
    """

    def apply_async(self, *args: Any, **kwargs: Any) -> Any:
        """Publish, or log that nobody could be woken."""
        try:
            return super().apply_async(*args, **kwargs)
        except OperationalError as error:
            logger.warning("Broker unreachable, %s waits for the next poll: %s", self.name, error)
            return None


@celeryd_init.connect
@beat_init.connect
def warn_of_the_signing_key(**_: Any) -> None:
    """What a worker can sign, whoever gets into it can accept."""
    if settings.DECISION_SIGNING_KEY and not settings.DEVELOPMENT:
        logger.warning("DECISION_SIGNING_KEY is set here: take it away, only web signs (docs/history.md).")


app = Celery("ledgergate", task_cls=WakeUp)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(Poller)
