"""The floor of exports: a Celery task that makes the calls of one, and nothing else.

`celery -A tests.bench.floor worker`, on the broker that REDIS_URL names.
"""

import os

import requests
from celery import Celery

app = Celery("floor", broker=os.environ["REDIS_URL"], set_as_current=False)
app.conf.update(task_default_queue="floor", task_ignore_result=True)


@app.task
def send(calls: list[tuple[str, str]]) -> None:
    for url, envelope in calls:
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
        requests.post(url, envelope.encode(), headers=headers, timeout=30).raise_for_status()
