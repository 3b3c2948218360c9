"""Wakes a worker for what became due here, after the commit."""

from directory.wakeup import wake

TASKS = "erp_integrations.tasks"


def wake_exports(connection_id: int) -> None:
    """Something can be exported on this connection."""
    wake(f"{TASKS}.drain_connection", connection_id)


def wake_sync(connection_id: int) -> None:
    """This connection's master data is to be read."""
    wake(f"{TASKS}.pull_masters", connection_id)


def wake_reconciliation() -> None:
    """A comparison was asked for."""
    wake(f"{TASKS}.reconcile")
