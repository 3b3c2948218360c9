"""Which settings of a connection steer where and how money is written: every field has its place here.

Those that the wire goes by are part of what Accept binds, by their values; those that a plan is made from, by
what they make of the document. A change of either waits for a second person.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from enum import StrEnum

from django.conf import settings
from django.db.models import Model

from erp_integrations.adapters.registry import as_columns, reply_rule
from erp_integrations.models import Connection, ConnectionSettings, ExportJob
from erp_integrations.models.secrets import EncryptedTextField
from erp_integrations.snapshots import content_hash


class Place(StrEnum):
    """Where a field counts. ``FREE`` is entered too and steers nothing; ``STATE`` the product keeps itself,
    or a rotation changes.
    """

    WIRE = "wire"
    PLAN = "plan"
    FREE = "free"
    STATE = "state"


STEERING = (Place.WIRE, Place.PLAN)


PLACES: Mapping[type[Model], Mapping[Place, tuple[str, ...]]] = {
    Connection: {
        Place.WIRE: (
            *("server", "company_code", "authorization_id", "guid", "guid_policy", "client_id"),
            *("token_path", "rotation_path", "wsdl_path", "service_path", "vendors_path"),
        ),
        Place.PLAN: (
            *("general_ledger_account", "general_ledger_order", "non_ascii", "notes_topic"),
            "fixed_price_units",
        ),
        Place.FREE: (
            *("name", "client_secret_expires_on", "closed_from", "closed_until", "closed_time_zone"),
            # The number is shown and decided on each time.
            *("erp_id_rule", "subcontract_prefix", "purchase_order_prefix"),
        ),
        Place.STATE: (
            *("id", "company", "client_secret", "previous_client_secret", "rotation_began_at"),
            *("paused_at", "paused_by", "pause_reason", "lease_holder", "lease_until", "lease_attempt"),
            *("not_before", "fault", "awaits_probe", "can_adopt", "failed_probes", "descriptions_checked_at"),
        ),
    },
    ConnectionSettings: {
        Place.WIRE: (
            *("success_rule", "success_codes", "element_names", "soap_authentication"),
            *("rest_authentication", "token_for_descriptions", "error_statuses"),
        ),
        Place.PLAN: ("retention_rule", "unit_price_codes", "job_price_codes"),
        # How lists are asked for, and from when on a person's own words count, which are kept.
        Place.FREE: ("any_ending", "watch_days", "resolve_by_hand_after_hours"),
        Place.STATE: ("connection",),
    },
}


def names(*places: Place) -> frozenset[str]:
    """Of both rows."""
    return frozenset(name for placed in PLACES.values() for place in places for name in placed[place])


def values(connection: Connection, *places: Place, key: str = "") -> dict[str, str]:
    """What these settings are now. A secret is told by a keyed hash, which nobody can try guesses on."""
    key = key or settings.FIELD_ENCRYPTION_KEYS[0]
    found: dict[str, str] = {}
    for row in (connection, connection.settings):
        for name in (name for place in places for name in PLACES[type(row)][place]):
            found[name] = value = str(getattr(row, name) or "")
            if value and isinstance(row._meta.get_field(name), EncryptedTextField):
                secret = hashlib.sha256(f"fingerprint of a secret {key}".encode()).digest()
                found[name] = hmac.new(secret, value.encode(), hashlib.sha256).hexdigest()
    return found


def wire_hashes(connection: Connection, job: ExportJob | None = None) -> Iterator[str]:
    """What an acceptance binds of the wire, for each key that secrets may have been hashed with.

    A job keeps the rule under which it was accepted, so that it is asked for its own.
    """
    for key in settings.FIELD_ENCRYPTION_KEYS:
        wire = values(connection, Place.WIRE, key=key)
        yield content_hash(wire | as_columns(reply_rule(job or connection.settings)))
