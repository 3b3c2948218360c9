"""Where everything that can be asked of the product stands in the search: a move, or why it leads nowhere.

A new address, a new page or action of Django admin, a new command, a new action of ``exports`` or a new task
needs a move in ``tests/goals/moves.py`` that passes through it, or its line here. Whoever adds the line says
why no sequence needs it.
"""

import fnmatch
from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.core.management import get_commands, load_command_class

from config.celery import app
from tests.goals.moves import MOVES
from tests.rights.addresses import addresses

LOOKS = "It shows, and a GET changes nothing (tests/security/test_every_address.py)."
OWN = "It is the person's own, and nobody else's account or money."
NEVER = "Nobody may, whoever they are (tests/rights/table.py)."
ENDS = "What it removes can't be exported any more; anew it is written by another move."
NAMES = "What it names goes where its link says, and links are moves."
OPERATORS = "Who can run this has the process and its keys: see docs/threat-model.md, what is left over."

HARMLESS: dict[str, str] = {
    # The tools
    "home": LOOKS,
    "projects": LOOKS,
    "waiting": LOOKS,
    "healthz": LOOKS,
    "readyz": LOOKS,
    "erp_integrations:overview": LOOKS,
    "erp_integrations:start": LOOKS,
    "erp_integrations:first_steps": LOOKS,
    "directory:former": LOOKS,
    "directory:settings": "Name and currency, which no amount is converted by.",
    "erp_integrations:same-names": "Each is linked by the function that the move to link a vendor calls.",
    "erp_integrations:take_over": "What it makes is new, and linked to what has its name in Spectrum.",
    "erp_integrations:running": "What comes in is in Spectrum, and the database keeps it from export.",
    "erp_integrations:attachment": LOOKS,
    "erp_integrations:progress": LOOKS,
    "erp_integrations:rows": LOOKS,
    "erp_integrations:cost_codes": LOOKS,
    "erp_integrations:history": LOOKS,
    "erp_integrations:history-export": "It gives out what is in the history, and is itself in it.",
    "erp_integrations:reconciliation": "It asks for a comparison, which reads.",
    "erp_integrations:reconciliation-progress": LOOKS,
    "erp_integrations:spreadsheet": LOOKS,
    "erp_integrations:filters": OWN,
    "erp_integrations:delete-filters": OWN,
    "erp_integrations:reasons": "A reason is words for a rejection, which sends no money anywhere.",
    "erp_integrations:delete-reason": "A reason is words for a rejection, which sends no money anywhere.",
    "erp_integrations:reconciliation-spreadsheet": LOOKS,
    "erp_integrations:pause": "Nothing is sent while it lasts; what is sent afterwards is checked as ever.",
    "erp_integrations:try-addresses": "A mail is tried again, to the address of an account.",
    "erp_integrations:resume-connection": "What is sent is checked as if there had been no pause.",
    **{
        f"companies/*/erp-integrations/{former}": "It leads to the address of today, and does nothing."
        for former in ("activity/*", "lists/*", "deliveries/*")
    },
    "erp_integrations:mails": "When people are told, and by which clock; no right and no export hangs on it.",
    "erp_integrations:rules": "A rule warns, and decides nothing.",
    "erp_integrations:look-again": "Spectrum is read again, and nothing is sent.",
    "erp_integrations:seen": "It says that somebody has looked, and decides nothing that is exported.",
    "erp_integrations:ask": "A question decides nothing, and changes nothing that is exported.",
    "project_erp:check": "It says what Send would say of a form, and writes nothing.",
    "project_erp:check_new": "It says what Send would say of a form, and writes nothing.",
    "project_erp:take_number": "A change as in the form, before anything is sent.",
    "project_erp:spreadsheet": LOOKS,
    "project_erp:send_many": "Each is sent by the function that the move to send calls.",
    "commitments:vendors": LOOKS,
    "commitments:pdf": LOOKS,
    "commitments:attach": "A change as in the form, before anything is sent.",
    "commitments:attachment": "A change as in the form, before anything is sent.",
    "project_erp:answer": "An answer decides nothing, and changes nothing that is exported.",
    "project_erp:send_status": "It is decided on as all that is sent, and writes a status: no money.",
    "erp_integrations:follow": "The record was found by what it holds, which takes Info-Link: "
    "tests/erp_integrations/moves.",
    "erp_integrations:master_data": "Spectrum's master data are read again, as they are every day.",
    "erp_integrations:probe": "It asks whether Spectrum is there.",
    "erp_integrations:accept-wsdl": "Descriptions come from the connection's own server, and elements that "
    "are not ours stop an export.",
    "erp_integrations:accept-reply-rule": "It says how Spectrum confirms a write, as seen on one of ours.",
    "erp_integrations:rotate": "The same client gets another secret, from its own server.",
    "commitments:delete": ENDS,
    "commitments:cost_codes": "A cost code is a choice for lines, and sends nothing.",
    "commitments:cost_code": "The name of a cost code is not sent.",
    "commitments:merge_cost_code": "Lines are changed by who may change them all, as in the form.",
    "contract_companies:list": NAMES,
    "imports:start": "A file waits for its person; nothing of it is written.",
    "imports:template": LOOKS,
    "imports:import": "Drafts come in as by the form, and changes by the function that its move calls.",
    # One's own account
    "account_email": NEVER,
    "account_signup": NEVER,
    "account_set_password": NEVER,
    "account_confirm_email": NEVER,
    "account_email_verification_sent": LOOKS,
    "account_confirm_login_code": NEVER,
    "account_inactive": LOOKS,
    "account_reset_password_done": LOOKS,
    "account_logout": OWN,
    "account_reauthenticate": OWN,
    "account_change_password": OWN,
    "mfa_reauthenticate": OWN,
    "mfa_deactivate_totp": OWN,
    "mfa_view_recovery_codes": OWN,
    "mfa_generate_recovery_codes": OWN,
    "mfa_download_recovery_codes": OWN,
    "mfa_add_webauthn": "It suspends as an app does, which is a move (tests/directory/test_passkeys.py).",
    "mfa_login_webauthn": "It is the product's own sign-in, with a second step that a move sets up.",
    "mfa_reauthenticate_webauthn": OWN,
    "mfa_remove_webauthn": OWN,
    "mfa_list_webauthn": NEVER,
    "mfa_edit_webauthn": NEVER,
    "profile": OWN,
    "mails": OWN,
    "unsubscribe": "It ends a person's summary, by the token in their mail. What waits, waits in the list.",
    "sessions": OWN,
    "end_sessions": OWN,
    # Django admin
    "admin:index": LOOKS,
    "admin:login": "It is the product's own sign-in.",
    "admin:logout": OWN,
    "admin:password_change": OWN,
    "admin:password_change_done": LOOKS,
    "admin:autocomplete": LOOKS,
    "admin:jsi18n": LOOKS,
    "admin:app_list": LOOKS,
    "admin/*": LOOKS,
    "admin:*_history": LOOKS,
    "admin:*_changelist": "It lists. Its actions are placed by name, and to delete there is to delete.",
    **{
        f"admin:{model}_{page}": NEVER
        for model in (
            *("directory_historyentry", "commitments_commitment", "notifications_outgoingemail"),
            *("notifications_subscription", "erp_integrations_submission", "erp_integrations_exportjob"),
            *("erp_integrations_exportcall", "erp_integrations_wireattempt", "erp_integrations_erpidhold"),
            "erp_integrations_attestation",
        )
        for page in ("add", "change", "delete")
    },
    "admin:directory_user_delete": NEVER,
    "admin:directory_user_add": "A new account has no right: what gives it one is a move.",
    "admin:directory_company_add": "A new company has no commitments; its administrator nothing else.",
    "admin:directory_company_delete": "Only what nothing refers to.",
    "admin:directory_project_*": NAMES,
    "admin:directory_projectmembership_delete": "It takes a right away.",
    "admin:auth_group_delete": "It takes a right away.",
    "admin:commitments_contractcompany_add": NAMES,
    "admin:commitments_contractcompany_delete": "Only what nothing refers to.",
    "admin:commitments_costcode_*": "A line's phase is in what Accept binds.",
    "admin:commitments_costtype_*": "A line's cost type is in what Accept binds.",
    "admin:erp_integrations_connection_add": "Nothing goes there until a project is linked to it.",
    "admin:erp_integrations_connection_delete": "Only what nothing refers to.",
    "admin:erp_integrations_costtypeaccount_add": "As to change one: that is a move.",
    "admin action directory.user export_person": "It gives out what is held, and is in the history.",
    "admin action directory.user end_sessions": "They sign in again.",
    "admin action notifications.outgoingemail send_again": "The same mail, to the same address.",
    "admin action erp_integrations.connection forget_descriptions": "They are read from the same server.",
    # Commands
    "command exports status": LOOKS,
    "command reconcile": "It compares, which reads.",
    "command rehearse": "It reads, in transactions that can't write, and asks Spectrum what it holds.",
    "command verify_history": LOOKS,
    "command send_daily_summaries": "It sends what is due anyway.",
    "command sendtestmail": "It sends words of Django's, to an address that its operator gives.",
    "command draw_life_cycles": "It draws the documentation.",
    "command pause_connection": "Nothing is sent while it lasts.",
    "command resume_connection": "What is sent is checked as if there had been no pause.",
    "command after_restore": "Nothing is sent by it; each is decided on by an approver.",
    "command rotate_spectrum_secret": "The same client gets another secret, from its own server.",
    "command reencrypt_secrets": OPERATORS,
    "command history_key": OPERATORS,
    "command load_demo": "It fills an empty database of development, and refuses elsewhere.",
    "command axes_*": "It ends a lock of whoever guessed passwords; the password stays unknown.",
    "command clearsessions": "They sign in again.",
    "command account_unsetmultipleprimaryemails": "The product keeps no second address.",
    "command remove_stale_contenttypes": OPERATORS,
    **{
        f"command {name}": LOOKS
        for name in (
            *("check", "diffsettings", "inspectdb", "showmigrations", "sqlflush", "sqlmigrate", "findstatic"),
            *("sqlsequencereset", "sendtestemail"),
        )
    },
    **{
        f"command {name}": OPERATORS
        for name in (
            *("dbshell", "shell", "loaddata", "dumpdata", "flush", "migrate", "createcachetable"),
            *("makemigrations", "optimizemigration", "squashmigrations", "startapp", "startproject", "test"),
            *("testserver", "runserver", "collectstatic", "compilemessages", "makemessages"),
        )
    },
    # Tasks: whoever reaches the broker may start any of them
    "task celery.*": "Parts of Celery that call other tasks.",
    "task notifications.tasks.send_emails": "It sends what was stored.",
    "task erp_integrations.tasks.pull_masters": "Spectrum's master data are read, as they are every day.",
    "task erp_integrations.tasks.reconcile": "It compares, which reads.",
    "task commitments.tasks.run_imports": "It does what a person pressed for, by that person's rights.",
}


def everything() -> set[str]:
    """Everything that can be asked of the product, by anybody."""
    return {*addresses(), *_admin_actions(), *_commands(), *(f"task {name}" for name in _tasks())}


def _admin_actions() -> Iterable[str]:
    for model, page in admin.site._registry.items():
        for action in page.actions or ():
            name = action if isinstance(action, str) else action.__name__
            yield f"admin action {model._meta.label_lower} {name}"


def _commands() -> Iterable[str]:
    for name, application in get_commands().items():
        parts: list[str] = []
        if not application.startswith("django."):
            parser = load_command_class(application, name).create_parser("manage.py", name)
            groups: Any = parser._subparsers._group_actions if parser._subparsers else ()
            parts = [part for action in groups for part in action.choices]
        yield from (f"command {name} {part}" for part in parts) if parts else (f"command {name}",)


def _tasks() -> Iterable[str]:
    app.loader.import_default_modules()
    return list(app.tasks)


def passed_through() -> set[str]:
    """The places that the moves pass through."""
    return {place for move in MOVES for place in move.places if place != "sql"}


def without_a_place() -> list[str]:
    """Places that neither a move passes through nor a reason is given for."""
    placed = passed_through()
    return sorted(
        each
        for each in everything()
        if each not in placed and not any(fnmatch.fnmatchcase(each, known) for known in HARMLESS)
    )


def placed_in_vain() -> list[str]:
    """Names that are placed and are not there."""
    there = everything()
    return sorted(
        known
        for known in {*HARMLESS, *passed_through()}
        if not any(fnmatch.fnmatchcase(each, known) for each in there)
    )


def placed_twice() -> list[str]:
    """Moves that are said to lead nowhere, by their own name."""
    return sorted(passed_through() & HARMLESS.keys())
