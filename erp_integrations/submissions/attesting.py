"""A person's word on what Spectrum holds: a row for each call, and only then is the call changed."""

from collections.abc import Iterable

from directory.models import User
from erp_integrations.models import Attestation, ExportCall


def record_attestations(
    calls: Iterable[ExportCall], *, is_there: bool, read_back: bool, statement: str = "", by: User
) -> None:
    """Keep it, in the transaction that changes the calls: web's database role may not do that without."""
    Attestation.objects.bulk_create(
        Attestation(call=call, is_there=is_there, read_back=read_back, statement=statement.strip(), by=by)
        for call in calls
    )
