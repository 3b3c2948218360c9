"""Messages that wake a worker, which looks into the database for what is due."""

from celery import shared_task

from commitments import imports


@shared_task
def run_imports() -> None:
    imports.run_due_imports()
