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

from erp_integrations.adapters.registry import get_reply_rule, to_rule_columns
from erp_integrations.models import Connection, ConnectionCredentials, ConnectionSettings, ExportJob
from erp_integrations.models.secrets import EncryptedTextField
from erp_integrations.snapshots import hash_content


class SettingRole(StrEnum):
    """Where a field counts. ``FREE`` is entered too and steers nothing; ``STATE`` the product keeps itself,
    or a rotation changes.
    """

    WIRE = "wire"
    PLAN = "plan"
    FREE = "free"
    STATE = "state"


CONTROLLED_ROLES = (SettingRole.WIRE, SettingRole.PLAN)


FIELDS_BY_ROLE: Mapping[type[Model], Mapping[SettingRole, tuple[str, ...]]] = {
    Connection: {
        SettingRole.WIRE: (
            *("server", "company_code", "guid_policy", "client_id"),
            *("token_path", "rotation_path", "wsdl_path", "service_path", "vendors_path"),
        ),
        SettingRole.PLAN: (
            *("general_ledger_account", "general_ledger_order", "non_ascii", "notes_topic"),
            "fixed_price_units",
        ),
        SettingRole.FREE: (
            *("name", "closed_from", "closed_until", "closed_time_zone"),
            # The number is shown and decided on each time.
            *("erp_id_rule", "subcontract_prefix", "purchase_order_prefix"),
        ),
        SettingRole.STATE: ("id", "company", "paused_at", "paused_by", "pause_reason"),
    },
    ConnectionCredentials: {
        SettingRole.WIRE: ("authorization_id", "guid"),
        SettingRole.PLAN: (),
        SettingRole.FREE: ("client_secret_expires_on",),
        SettingRole.STATE: ("connection", "client_secret", "previous_client_secret", "rotation_began_at"),
    },
    ConnectionSettings: {
        SettingRole.WIRE: (
            *("success_rule", "success_codes", "element_names", "soap_authentication"),
            *("rest_authentication", "token_for_descriptions", "error_statuses"),
        ),
        SettingRole.PLAN: (
            *("retention_rule", "unit_price_codes", "job_price_codes"),
            *("complete_code", "terminated_code", "void_code", "closed_code"),
        ),
        # How lists are asked for, and from when on a person's own words count, which are kept.
        SettingRole.FREE: ("any_ending", "watch_days", "resolve_by_hand_after_hours"),
        SettingRole.STATE: ("connection",),
    },
}
CONTROLLED_SETTINGS = frozenset(
    name for placed in FIELDS_BY_ROLE.values() for place in CONTROLLED_ROLES for name in placed[place]
)
"""Of all three rows."""


def get_setting_values(connection: Connection, *roles: SettingRole, key: str = "") -> dict[str, str]:
    """The settings' present values. A secret stands as a keyed hash, which nobody can try guesses on."""
    key = key or settings.FIELD_ENCRYPTION_KEYS[0]
    found: dict[str, str] = {}
    for row in (connection, connection.credentials, connection.settings):
        for name in (name for place in roles for name in FIELDS_BY_ROLE[type(row)][place]):
            found[name] = value = str(getattr(row, name) or "")
            if value and isinstance(row._meta.get_field(name), EncryptedTextField):
                secret = hashlib.sha256(f"fingerprint of a secret {key}".encode()).digest()
                found[name] = hmac.new(secret, value.encode(), hashlib.sha256).hexdigest()
    return found


def hash_wire_settings(connection: Connection, job: ExportJob | None = None) -> Iterator[str]:
    """The part of the wire that an acceptance binds, for each key that secrets may have been hashed with.

    A job keeps the rule under which it was accepted, so that it is asked for its own.
    """
    for key in settings.FIELD_ENCRYPTION_KEYS:
        wire = get_setting_values(connection, SettingRole.WIRE, key=key)
        yield hash_content(wire | to_rule_columns(get_reply_rule(job or connection.settings)))
