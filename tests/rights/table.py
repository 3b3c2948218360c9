"""The table: for every address, which right it takes to look at it and to send it something.

A new address needs a row in ``TOOLS`` or ``OWN`` (by its name) or, in Django admin, a line in ``ADMIN``
(by its model). Without one `script/test -k rights_matrix` fails and names it.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """One address. ``see`` is the right for a GET, ``do`` for a POST; None: that method is not taken (405).

    ``situation`` is the commitment that it leads to, ``entered`` what a person types into the form on this
    page, or on ``form_on``. ``done`` is the history event of a POST that was let through, or, where the
    product answers with words instead, the status of that answer. ``shows`` is what a GET answers,
    and ``looked`` the event of one that is remembered; ``answers`` is what a POST that was let through does.
    """

    see: str | None
    do: str | None = None
    situation: str = "awaiting"
    form_on: str = ""
    entered: dict[str, str] = field(default_factory=dict)
    done: str | int = ""
    shows: int = 200
    looked: str = ""
    answers: int = 302


NO_UNITS = hashlib.sha256(b"{}").hexdigest()
SEES = "see ERP Integrations"
DECIDES = "decide"
KEEPS = "administer ERP Integrations"
ADMINISTERS = "administer the company"
READS = "see commitments"
EDITS = "edit what the creator wrote"
SENDS = "send"
LOOKED_AT_SECRETS = "connection.secrets_looked_at"

TOOLS: dict[str, Row] = {
    # The company's ERP Integrations tool
    "erp_integrations:overview": Row(SEES),
    "erp_integrations:start": Row(SEES, shows=302),
    "erp_integrations:pause": Row(KEEPS, KEEPS, entered={"reason": "x"}, done="connection.paused", shows=302),
    "erp_integrations:try-addresses": Row(KEEPS, KEEPS, done=302, shows=302),
    "erp_integrations:resume-connection": Row(KEEPS, KEEPS, done=302, shows=302),  # it is not paused
    "erp_integrations:commitments": Row(SEES),
    "erp_integrations:review": Row(SEES),
    "erp_integrations:attachment": Row(SEES, situation="attached", shows=302),
    "erp_integrations:progress": Row(SEES, shows=302),
    "erp_integrations:rows": Row(SEES, shows=204),
    "erp_integrations:accept": Row(DECIDES, DECIDES, done="submission.accepted"),
    "erp_integrations:reject": Row(DECIDES, DECIDES, entered={"reason": "x"}, done="submission.rejected"),
    "erp_integrations:bulk": Row("decide on others", "decide on others", done=200),  # nothing is ticked
    "erp_integrations:batch": Row(SEES, "decide on others", done=404),  # somebody else's
    "erp_integrations:ask": Row(DECIDES, DECIDES, entered={"question": "Why?"}, done="question.asked"),
    "erp_integrations:account": Row(
        *(DECIDES, DECIDES, "failed"), entered={"account": "500200"}, done="submission.account_proposed"
    ),
    "erp_integrations:undo": Row(SEES, DECIDES, "queued", done="submission.undone", shows=302),
    "erp_integrations:look-again": Row(SEES, "compare with the ERP", done=302, shows=302),  # nothing deviates
    "erp_integrations:seen": Row(DECIDES, DECIDES, "synced", entered={"reason": "x"}, done="export.seen"),
    "erp_integrations:resume": Row(DECIDES, DECIDES, "incomplete", done="export.resumed"),
    "erp_integrations:resolve": Row(
        *(DECIDES, DECIDES, "unknown"),
        entered={"attested": "all", "statement": "I looked."},
        done="export.attested_all",
    ),
    "erp_integrations:unlink": Row(
        "unlink", "unlink", "synced", entered={"statement": "I deleted it."}, done="submission.unlinked"
    ),
    "erp_integrations:follow": Row(
        "unlink", "unlink", "synced", entered={"record": "0" * 64}, done=409, shows=409
    ),
    "erp_integrations:vendors": Row(SEES),
    "erp_integrations:vendor": Row(KEEPS, KEEPS, entered={"code": "V999"}, done="vendor_link.changed"),
    "erp_integrations:same-names": Row(KEEPS, KEEPS, done=302),  # nothing is ticked
    "erp_integrations:jobs": Row(SEES),
    "erp_integrations:job": Row(KEEPS, KEEPS, entered={"code": "J999"}, done="job_link.changed"),
    "erp_integrations:take_over": Row(KEEPS, KEEPS, done=302),  # its lists were never read
    "erp_integrations:running": Row(SEES, "decide on others", done=302),  # nothing can be read back
    "erp_integrations:confirm": Row(None, KEEPS, done=302),  # nothing waits
    "erp_integrations:cost_codes": Row(SEES),
    "erp_integrations:units": Row(
        SEES,
        KEEPS,
        entered={"unit": "EACH", "erp_unit": "EA", "expected_hash": NO_UNITS},
        done="connection.units_changed",
    ),
    "erp_integrations:master_data": Row(SEES, KEEPS, done="masters.asked_for", shows=302),
    "erp_integrations:settings": Row(KEEPS),
    "erp_integrations:mails": Row(
        KEEPS,
        KEEPS,
        entered={"time_zone": "UTC", "summary_hour": "6", "weekdays": "1"},
        done="company.changed",
    ),
    "erp_integrations:rules": Row(KEEPS, KEEPS, entered={"amount-limit": "5"}, done="check_rules.changed"),
    "erp_integrations:connection": Row(
        *(KEEPS, KEEPS), entered={"name": "New"}, done="connection.changed", looked=LOOKED_AT_SECRETS
    ),
    "erp_integrations:probe": Row(None, KEEPS, done="connection.probed"),
    "erp_integrations:accept-wsdl": Row(None, KEEPS, done="connection.probed"),
    "erp_integrations:accept-reply-rule": Row(None, KEEPS, done=302),  # nothing was read back yet
    "erp_integrations:rotate": Row(None, KEEPS, done=302),  # it has no secret of a hosted site
    "erp_integrations:reconciliation": Row(SEES, "compare with the ERP", done=302),  # nothing to read from
    "erp_integrations:reconciliation-progress": Row(SEES, shows=302),
    "erp_integrations:spreadsheet": Row(SEES),
    "erp_integrations:filters": Row(SEES, SEES, done=302, shows=302),  # without a name nothing is saved
    "erp_integrations:delete-filters": Row(SEES, SEES, done=404, shows=404),  # only one's own
    "erp_integrations:reasons": Row(SEES, KEEPS, entered={"text": "No drawings."}, done="reasons.changed"),
    "erp_integrations:delete-reason": Row(SEES, SEES, done=404, shows=404),  # there is none
    "erp_integrations:reconciliation-spreadsheet": Row(SEES),
    "erp_integrations:history": Row("see the history"),
    "erp_integrations:history-export": Row(
        *("see the history", "see the history"),
        entered={"format": "csv"},
        done="history.exported",
        shows=302,
        answers=200,
    ),
    "erp_integrations:approvers": Row(
        *("see who may push to accounting", "confirm who may push to accounting"),
        done="approvers.confirmed",
    ),
    "erp_integrations:first_steps": Row("see first steps"),
    # The Company Directory
    "directory:people": Row(ADMINISTERS, ADMINISTERS, done=422),  # nobody is ticked
    "directory:former": Row(ADMINISTERS),
    "directory:invite": Row(
        *(ADMINISTERS, ADMINISTERS), entered={"email": "n@n.test", "name": "N"}, done="membership.added"
    ),
    "directory:import": Row(
        ADMINISTERS, ADMINISTERS, entered={"rows": "n@n.test,N"}, done="membership.added"
    ),
    "directory:roles": Row(ADMINISTERS, ADMINISTERS, entered={"name": "New"}, done="role.added"),
    "directory:settings": Row(ADMINISTERS, ADMINISTERS, entered={"name": "New"}, done="company.changed"),
    "directory:person": Row(
        *(ADMINISTERS, ADMINISTERS), entered={"directory_level": "read_only"}, done="membership.changed"
    ),
    "directory:leave": Row(ADMINISTERS, ADMINISTERS, done="membership.removed"),
    "directory:request": Row(ADMINISTERS, ADMINISTERS, entered={"reason": "x"}, done="privilege.requested"),
    # A company's Contract Companies
    "contract_companies:list": Row(
        *("see Contract Companies", "keep Contract Companies"),
        entered={"rows": "New vendor"},
        done="contract_company.created",
    ),
    "contract_companies:row": Row(
        *("see Contract Companies", "keep Contract Companies"),
        entered={"name": "Another name"},
        done="contract_company.changed",
    ),
    "contract_companies:merge": Row(
        "keep Contract Companies",
        "keep Contract Companies",
        done=200,  # none is chosen
    ),
    # Files that are brought in
    "imports:start": Row("import", "import", done=422),  # no file is chosen
    "imports:template": Row("import"),
    "imports:import": Row("import", "import", done=404, shows=404),  # only one's own
    # A project's Commitments tool
    "commitments:list": Row(READS),
    "commitments:new": Row(
        "create commitments", "create commitments", entered={"number": "N-1"}, done="commitment.created"
    ),
    "commitments:vendors": Row("create commitments"),
    "commitments:cost_codes": Row(READS, SENDS, entered={"rows": "99-1,New"}, done="cost_code.created"),
    "commitments:cost_code": Row(READS, SENDS, entered={"name": "Another"}, done="cost_code.changed"),
    "commitments:merge_cost_code": Row(SENDS, SENDS, done=200),  # none is chosen
    "commitments:detail": Row(READS),
    "commitments:edit": Row(EDITS, EDITS, "unsent", entered={"title": "New"}, done="commitment.changed"),
    "commitments:delete": Row(EDITS, EDITS, "unsent", done="commitment.deleted"),
    "commitments:attach": Row(READS, EDITS, "unsent", done=422, shows=302),  # no file is chosen
    # The file is lost, and the page says so; a POST removes it.
    "commitments:attachment": Row(READS, EDITS, "attached", done="commitment.changed", shows=302),
    "commitments:pdf": Row(READS),
    "project_erp:send_many": Row(SENDS, SENDS, shows=302, done=302),  # nothing is ticked
    "project_erp:spreadsheet": Row(READS),
    "project_erp:send": Row(READS, SENDS, "unsent", done="submission.sent", shows=302),
    "project_erp:send_status": Row(
        *(READS, SENDS, "synced"), entered={"status": "complete"}, done="submission.sent", shows=302
    ),
    "project_erp:retrieve": Row(READS, SENDS, done="submission.retrieved", shows=302),
    "project_erp:answer": Row(
        *(READS, "answer", "asked"),
        form_on="commitments:detail",
        entered={"answer": "Because."},
        done="question.answered",
        shows=302,
    ),
    "project_erp:merge": Row(
        READS, EDITS, "doubled", form_on="commitments:detail", done="commitment.lines_merged", shows=302
    ),
    "project_erp:check": Row(None, EDITS, "unsent", done=200),
    "project_erp:check_new": Row(None, "create commitments", done=200),
    "project_erp:take_number": Row(
        READS, EDITS, "unfit", form_on="commitments:detail", done="commitment.changed", shows=302
    ),
    "project_erp:billing_items": Row(
        *(READS, EDITS, "doubled"),
        form_on="commitments:detail",
        done="commitment.billing_items_given",
        shows=302,
    ),
}


Statuses = tuple[int, ...]


@dataclass(frozen=True)
class Own:
    """An address of nobody in particular: what it answers to who has signed in, and to who has not.

    Nothing stands for the way to the sign-in page. ``of_admin``: only staff get that far. ``event`` is what
    the history tells of a POST; ``happens``: it stores something. ``with_app`` is for whom two-step
    verification is on, where that differs.
    """

    get: Statuses
    post: Statuses
    visitor_get: Statuses = ()
    visitor_post: Statuses = ()
    entered: dict[str, str] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)
    path: str = ""
    of_admin: bool = False
    event: str = ""
    happens: bool = False
    with_app: "Own | None" = None


OK, NO, MOVED = (200,), (405,), (302,)
FORMER = "companies/<slug:company_slug>/erp-integrations/"

OWN: dict[str, Own] = {
    "home": Own((200, 302), NO),
    "projects": Own(OK, NO),
    "waiting": Own(OK, NO),
    "sessions": Own(OK, NO),
    "end_sessions": Own(NO, MOVED, entered={"session": ""}),  # nobody is signed in elsewhere
    "profile": Own(
        *(OK, MOVED),
        entered={"first_name": "N", "last_name": "N", "time_zone": "Europe/Berlin", "summary_hour": "6"},
        happens=True,
    ),
    "mails": Own(OK, MOVED, entered={"weekdays": "1"}, happens=True),
    "unsubscribe": Own((404,), (404,), (404,), (404,), parts={"token": "none"}),
    "healthz": Own(OK, NO, OK, NO),
    "readyz": Own((503,), NO, (503,), NO),  # no worker looks
    # Former addresses lead to the ones of today, which ask for the right
    **{
        f"{FORMER}{former}": Own((301,), (301,), path=f"/companies/ours/erp-integrations/{path}")
        for former, path in (
            *(("activity/", "activity/"), ("activity/export/", "activity/export/")),
            ("lists/<int:connection_id>/", "lists/1/"),
            ("deliveries/", "deliveries/"),
            *(
                (f"deliveries/<int:connection_id>/{act}/", f"deliveries/1/{act}/")
                for act in ("pause", "resume", "let-go-on")
            ),
        )
    },
    # allauth's
    "account_login": Own(MOVED, MOVED, OK, OK),
    "account_logout": Own(OK, MOVED, MOVED, MOVED, event="session.ended"),
    "account_signup": Own(MOVED, MOVED, OK, OK),  # it says that nobody signs up
    "account_inactive": Own(OK, NO, OK, NO),
    "account_email": Own((404,), (404,)),
    "account_email_verification_sent": Own(OK, NO, OK, NO),
    "account_confirm_email": Own(OK, (404,), OK, (404,), parts={"key": "none"}),
    "account_confirm_login_code": Own(MOVED, MOVED),
    "account_reauthenticate": Own(OK, OK),
    "account_change_password": Own(OK, OK),
    "account_set_password": Own(MOVED, MOVED),
    "account_reset_password": Own(OK, OK, OK, OK),
    "account_reset_password_done": Own(OK, NO, OK, NO),
    "account_reset_password_from_key": Own(OK, OK, OK, OK, parts={"uidb36": "1", "key": "none"}),
    "account_reset_password_from_key_done": Own(MOVED, MOVED, MOVED, MOVED),
    # allauth's two-step verification
    "mfa_index": Own(OK, NO),
    "mfa_authenticate": Own(MOVED, MOVED, MOVED, MOVED),  # a second step comes after a first one
    "mfa_reauthenticate": Own(MOVED, MOVED, with_app=Own(OK, OK)),
    "mfa_activate_totp": Own(OK, OK, with_app=Own(MOVED, MOVED)),
    "mfa_deactivate_totp": Own((404,), (404,), with_app=Own(OK, OK)),  # the page says why it must stay on
    "mfa_view_recovery_codes": Own((404,), NO, with_app=Own(OK, NO)),
    "mfa_generate_recovery_codes": Own(
        *(OK, OK), with_app=Own(OK, MOVED, event="two_step.recovery_codes_made", happens=True)
    ),
    "mfa_download_recovery_codes": Own((404,), (404,), with_app=Own((403,), (403,))),
    "mfa_login_webauthn": Own(MOVED, MOVED, MOVED, MOVED),
    "mfa_reauthenticate_webauthn": Own(MOVED, MOVED),
    "mfa_list_webauthn": Own((404,), (404,)),
    "mfa_add_webauthn": Own(OK, OK),
    "mfa_remove_webauthn": Own((404,), (404,), parts={"pk": 1}),  # nobody's
    "mfa_edit_webauthn": Own((404,), (404,), parts={"pk": 1}),
    # Django admin's own
    "admin:index": Own(OK, OK, of_admin=True),
    "admin:login": Own((302, 403), (302, 403), MOVED, MOVED),
    "admin:logout": Own((302, 405), (200, 302), event="session.ended"),
    "admin:password_change": Own(MOVED, MOVED, of_admin=True),
    "admin:password_change_done": Own(OK, NO, of_admin=True),
    "admin:autocomplete": Own((403,), NO, of_admin=True),
    "admin:jsi18n": Own(OK, NO, of_admin=True),
    "admin:app_list": Own((200, 404), (200, 404), parts={"app_label": "directory"}, of_admin=True),
    "admin/(?P<url>.*)$": Own((404,), (404,), path="/admin/nowhere/", of_admin=True),
}

# Open without sign-in, and nothing else is.
OPEN: frozenset[str] = frozenset(
    {
        *("healthz", "readyz", "unsubscribe"),
        *("account_login", "account_logout", "account_signup", "account_inactive"),
        *("account_email_verification_sent", "account_confirm_email", "account_confirm_login_code"),
        *("account_reset_password", "account_reset_password_done"),
        *("account_reset_password_from_key", "account_reset_password_from_key_done"),
        *("mfa_authenticate", "mfa_login_webauthn", "admin:login"),
    }
)


@dataclass(frozen=True)
class Model:
    """The actions that Django admin offers on a model, whoever it is: of add, change, delete, view.

    ``entered`` is what makes the row of the add form whole, "@" a row of the world. ``keeps`` says that the
    row is referred to, so that a deletion is answered with what holds it. ``superusers``: nobody else.
    ``looked`` is the event of a look at one.
    """

    actions: str
    entered: dict[str, str] = field(default_factory=dict)
    keeps: bool = False
    superusers: bool = False
    looked: str = ""


EVERYTHING = "add change delete view"
LOOKED_AT = Model("view")
ON_OURS = {"connection": "@erp_integrations.connection"}

ADMIN: dict[str, Model] = {
    "auth.group": Model(EVERYTHING, {"name": "New"}, superusers=True),
    "directory.user": Model("add change view", {"email": "new@example.test", "usable_password": "false"}),
    "directory.company": Model(EVERYTHING, {"name": "New", "slug": "new", "currency": "USD"}, keeps=True),
    "directory.project": Model(EVERYTHING, {"name": "New", "company": "@directory.company"}, keeps=True),
    "directory.companymembership": Model(
        EVERYTHING, {"company": "@directory.company", "user": "@new person"}
    ),
    "directory.projectmembership": Model(
        EVERYTHING, {"project": "@directory.project", "user": "@new member"}
    ),
    "directory.historyentry": LOOKED_AT,
    "commitments.contractcompany": Model(
        EVERYTHING, {"name": "New", "company": "@directory.company"}, keeps=True
    ),
    "commitments.costcode": Model(
        EVERYTHING, {"code": "99", "name": "New", "project": "@directory.project"}, keeps=True
    ),
    "commitments.costtype": Model(
        EVERYTHING, {"code": "X", "name": "New", "company": "@directory.company"}, keeps=True
    ),
    "commitments.commitment": LOOKED_AT,
    "notifications.outgoingemail": LOOKED_AT,
    "notifications.subscription": LOOKED_AT,
    "erp_integrations.connection": Model(
        EVERYTHING,
        {"company": "@directory.company", "name": "New", "server": "simulator", "company_code": "NEW"},
        keeps=True,
        looked=LOOKED_AT_SECRETS,
    ),
    "erp_integrations.submission": LOOKED_AT,
    "erp_integrations.exportjob": LOOKED_AT,
    "erp_integrations.exportcall": LOOKED_AT,
    "erp_integrations.wireattempt": LOOKED_AT,
    "erp_integrations.attestation": LOOKED_AT,
    "erp_integrations.erpidhold": LOOKED_AT,
    "erp_integrations.vendorlink": Model(
        EVERYTHING, {"vendor_code": "NEW", "contract_company": "@new contract company", **ON_OURS}
    ),
    "erp_integrations.costtypeaccount": Model(
        EVERYTHING, {"general_ledger_account": "9", "cost_type": "@new cost type", **ON_OURS}
    ),
    "erp_integrations.joblink": Model(
        EVERYTHING, {"job_number": "NEW", "project": "@new project", **ON_OURS}
    ),
}
