"""A change of a connection's settings has the same consequences wherever it was made."""

from collections.abc import Set

from django.db import transaction

from directory import history
from directory.models import User
from directory.rights.permissions import require_administer_erp_integrations
from erp_integrations import wakeup
from erp_integrations.adapters import registry
from erp_integrations.confirmations import pending_changes
from erp_integrations.confirmations.subjects import Kind, Subject
from erp_integrations.connections.settings_form import ConnectionForm
from erp_integrations.events import ErpEvent
from erp_integrations.models import Connection, ConnectionCredentials

DESCRIPTION_FIELDS = frozenset({"server", "wsdl_path", "notes_topic"})  # a topic needs one more description
SECRET_FIELDS = frozenset({"client_id", "client_secret", "forget_client_secret"})


@transaction.atomic
def save_connection(*, form: ConnectionForm, by: User) -> None:
    """Save a valid form for an ERP admin, with a history row that tells old and new values, but of no secret.

    Raises RightMissing without Admin on the ERP Integrations tool.
    """
    connection = form.instance
    require_administer_erp_integrations(by, connection.company)
    if not form.changed_data:
        return
    subject = Subject(Kind.CONNECTION, connection.pk)
    before = subject.get_values(lock=True)
    # Only what the form shows: it may have been paused meanwhile.
    stored = {field.name for field in connection._meta.concrete_fields} & set(form.cleaned_data)
    connection.save(update_fields=stored)
    form.save_settings()
    event, company = ErpEvent.CONNECTION_CHANGED, connection.company
    detail = {
        "fields": sorted(form.changed_data),
        "server": connection.server,
        "company_code": connection.company_code,
        **pending_changes.record_change(subject, before=before, by=by, company=company),
    }
    history.record(event=event, subject=connection, by=by, company=company, detail=detail)
    resume_after_change(connection, set(form.changed_data))


def resume_after_change(connection: Connection, changed: Set[str]) -> None:
    """After a change was saved: forget what belonged to the old settings, and let wait nothing for them."""
    if changed & DESCRIPTION_FIELDS:
        connection.wsdls.all().delete()
    if changed & SECRET_FIELDS:
        credentials = ConnectionCredentials.objects.filter(connection=connection)
        credentials.update(previous_client_secret="", rotation_began_at=None)
    registry.resume_jobs(connection)
    wakeup.wake_exports(connection.pk)
