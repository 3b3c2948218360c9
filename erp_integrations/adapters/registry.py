"""From a connection's row to the adapter that speaks for it; the one place that knows which ERP it is."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from commitments.models import Kind
from directory import history
from directory.db.prepared import Parameter, PreparedQuery
from erp_integrations.adapters.base import (
    Adapter,
    Call,
    Element,
    Key,
    NotSent,
    ProbeResult,
    ReplyRule,
    RuleKind,
    Unauthorised,
    Unknown,
    Unusable,
)
from erp_integrations.adapters.spectrum import (
    Authentication,
    NonAscii,
    OAuthClient,
    RetentionRule,
    RotatedSecret,
    SpectrumAdapter,
    SpectrumSettings,
    authentication,
    element_names,
    replies,
)
from erp_integrations.events import ErpEvent
from erp_integrations.models import (
    BLANK_CODE,
    Connection,
    ConnectionCredentials,
    ConnectionSettings,
    ConnectionState,
    ErpIdRule,
    ExportCall,
    ExportJob,
    GuidPolicy,
    JobStatus,
    WireAttempt,
    Wsdl,
)

# Where nothing is connected there is nothing to send to: no name service knows this one.
NOWHERE = "https://not-in-spectrum-servers.invalid"


def get_adapter(connection: Connection | None) -> Adapter:
    """An adapter that can check and plan, but not call: it has no secrets. No query."""
    if connection is None:
        return SpectrumAdapter(SpectrumSettings(base_url=NOWHERE, company_code="", authorization_id=""))
    return SpectrumAdapter(build_spectrum_settings(connection, {}, ConnectionCredentials()))


def get_job_key(job: ExportJob) -> Key:
    """Where the job's record stands, or is to stand, in the ERP."""
    return get_adapter(job.connection).build_key(job.vendor_code, job.erp_id)


def build_sending_adapter(job: ExportJob) -> Adapter | NotSent | Unusable:
    """An adapter that can send a job's calls, with the site's service descriptions.

    What it takes for written is what did when the job was accepted. The descriptions are fetched once
    and kept. Now and then, and after every answer that nobody understood, it is asked whether they still
    are the site's own: a site that changed would fault on each call, and leave one export after the other
    unknown. Uses the wire; call it with no transaction open.
    """
    connection = job.connection
    checked_at = connection.state.descriptions_checked_at
    interval = timedelta(seconds=settings.WSDL_CHECK_SECONDS)
    is_old = checked_at is None or checked_at < timezone.now() - interval
    descriptions = get_descriptions(connection)
    if is_old or not descriptions:
        result = build_reading_adapter(connection).probe()
        if not result.is_usable and result.transient:
            return NotSent(result.sentence)
        if not result.is_usable:
            return Unusable(result.sentence, result.can_accept_wsdl)
        store_descriptions(connection, result)
        descriptions = get_descriptions(connection)
    wired = build_spectrum_settings(connection, descriptions)
    guid = str(job.guid) if job.guid and connection.guid_policy == GuidPolicy.NEW else wired.guid
    return SpectrumAdapter(replace(wired, written=get_reply_rule(job), guid=guid))


def build_reading_adapter(connection: Connection) -> Adapter:
    """An adapter that can probe and list, with the descriptions that are kept now, if any."""
    return SpectrumAdapter(build_spectrum_settings(connection, get_descriptions(connection)))


def rotate_secret(connection: Connection) -> RotatedSecret | NotSent | Unauthorised | Unusable | Unknown:
    """Have the hosted site make a new client secret. One attempt, with no transaction open."""
    return authentication.rotate_secret(build_spectrum_settings(connection, {}))


def verify_secret(connection: Connection, secret: str) -> NotSent | Unauthorised | Unusable | None:
    """Ask the hosted site for a token with this client secret; None if it was given."""
    return authentication.verify_secret(build_spectrum_settings(connection, {}), secret)


@transaction.atomic
def store_descriptions(connection: Connection, result: ProbeResult, *, overwrite: bool = False) -> None:
    """Keep the descriptions that a probe has found, where they are new, or in place of the kept ones.

    The state of ``connection`` is as it was read before the probe: where it has been asked meanwhile that
    they are looked at again, or another worker has looked, this look does not count.
    """
    rows = ConnectionState.objects.filter(connection=connection)
    if result.changed and not overwrite:
        # Everything that is written has its place in it, so nobody has to say yes.
        detail = {"difference": result.changed}
        event = ErpEvent.CONNECTION_DESCRIPTIONS_ADOPTED
        history.record(event=event, subject=connection, by=None, company=connection.company, detail=detail)
    if result.changed or overwrite:
        connection.wsdls.all().delete()
    else:
        rows = rows.filter(descriptions_checked_at=connection.state.descriptions_checked_at)
    for method, text in result.descriptions.items():
        Wsdl.objects.get_or_create(connection=connection, method=method, defaults={"text": text})
    rows.update(descriptions_checked_at=Now())


def get_longest_send(connection: Connection) -> float:
    """The longest that one call may take, in seconds, with a token for either secret before it."""
    call: float = settings.WIRE_CONNECT_TIMEOUT + settings.WIRE_READ_TIMEOUT
    if not connection.client_id:
        return call
    token = settings.WIRE_CONNECT_TIMEOUT + min(settings.WIRE_READ_TIMEOUT, authentication.MAX_TOKEN_WAIT)
    return float(call + 2 * token)


def to_call(stored: ExportCall) -> Call:
    """A stored call as the adapter made it, and is given it again."""
    return Call(stored.method, stored.title, tuple(Element(**element) for element in stored.elements))


@transaction.atomic
def resume_jobs(connection: Connection) -> None:
    """After its settings were changed: what waits out a fault of the old ones is due now.

    A connection that stopped until a probe succeeds is probed now.
    """
    rows = ConnectionState.objects.filter(connection=connection)
    rows.filter(awaits_probe=True).update(not_before=Now())
    rows.filter(awaits_probe=False).update(not_before=None, fault="")
    waiting = connection.jobs.filter(status__in=[JobStatus.QUEUED, JobStatus.INCOMPLETE])
    # One that no worker has had yet waits out its grace, in which it can be undone.
    waiting.filter(not_before__isnull=False, attempt__gt=0).update(not_before=Now())


def get_reply_rule(source: ConnectionSettings | ExportJob) -> ReplyRule:
    """The rule of a connection, or the one under which a job was accepted."""
    codes = source.success_codes.split(",") if source.success_rule == RuleKind.CODES else ()
    return ReplyRule(
        RuleKind(source.success_rule), frozenset("" if code == BLANK_CODE else code for code in codes)
    )


def to_rule_columns(rule: ReplyRule) -> dict[str, str]:
    """The same as both tables hold it."""
    codes = ",".join(sorted(code or BLANK_CODE for code in rule.codes))
    return {"success_rule": rule.kind.value, "success_codes": codes}


def find_taught_rule(attempt: WireAttempt, present: ReplyRule) -> ReplyRule | None:
    """The rule by which what came back of a written call means so; None if none does, or the present one."""
    return replies.find_reply_rule(attempt.reply, to_call(attempt.call), present)


def clean_element_names(text: str, connection: Connection) -> str:
    """An ERP admin's lines on elements that the site spells otherwise, always spelt alike.

    Raises ValueError, whose text is for them, also where the site's description has no such element. While
    a connection is stopped, the site may have changed since: then the next probe compares.
    """
    is_known = connection.pk and not connection.state.awaits_probe
    return element_names.clean_element_names(text, get_descriptions(connection) if is_known else {})


def get_descriptions(connection: Connection) -> dict[str, str]:
    return dict(list_descriptions(connection=connection.pk))


@PreparedQuery
def list_descriptions(connection: Parameter) -> QuerySet[Wsdl, tuple[str, str]]:
    return Wsdl.objects.filter(connection=connection).values_list("method", "text")


def build_spectrum_settings(
    connection: Connection, wsdls: Mapping[str, str], credentials: ConnectionCredentials | None = None
) -> SpectrumSettings:
    oauth, credentials = None, credentials or connection.credentials
    if connection.client_id:
        token_base = connection.token_base_url or NOWHERE
        oauth = OAuthClient(
            client_id=connection.client_id,
            secret=credentials.client_secret,
            previous_secret=credentials.previous_client_secret,
            token_url=token_base + connection.token_path,
            rotation_url=token_base + connection.rotation_path,
        )
    rules = connection.settings
    guids: dict[str, str] = {GuidPolicy.NEW: str(uuid4()), GuidPolicy.SENT: credentials.guid}
    return SpectrumSettings(
        base_url=connection.base_url or NOWHERE,
        company_code=connection.company_code,
        authorization_id=credentials.authorization_id,
        guid=guids.get(connection.guid_policy, ""),
        oauth=oauth,
        wsdl_path=connection.wsdl_path,
        service_path=connection.service_path,
        vendors_path=connection.vendors_path,
        written=get_reply_rule(rules),
        mapped=element_names.parse_element_names(rules.element_names),
        soap_authentication=Authentication(rules.soap_authentication),
        rest_authentication=Authentication(rules.rest_authentication),
        token_for_descriptions=rules.token_for_descriptions,
        error_statuses=frozenset(map(int, filter(None, rules.error_statuses.split(",")))),
        any_ending=rules.any_ending,
        phase_estimate_field=settings.SPECTRUM_PHASE_ESTIMATE_FIELD,
        phase_to_date_field=settings.SPECTRUM_PHASE_TO_DATE_FIELD,
        connect_timeout=settings.WIRE_CONNECT_TIMEOUT,
        read_timeout=settings.WIRE_READ_TIMEOUT,
        require_https=not settings.DEVELOPMENT,
        ca_file=settings.SPECTRUM_CA_FILES.get(connection.server, ""),
        wsdls=wsdls,
        non_ascii=NonAscii(connection.non_ascii),
        retention_rule=RetentionRule(connection.settings.retention_rule),
        status_codes={
            name: getattr(rules, f"{name}_code") for name in ("complete", "terminated", "void", "closed")
        },
        fixed_price_units=frozenset(connection.fixed_price_units.upper().replace(",", " ").split()),
        unit_price_codes=frozenset(filter(None, connection.settings.unit_price_codes.split(","))),
        job_price_codes=frozenset(filter(None, connection.settings.job_price_codes.split(","))),
        erp_id_prefixes={
            Kind.SUBCONTRACT: connection.subcontract_prefix,
            Kind.PURCHASE_ORDER: connection.purchase_order_prefix,
        },
        notes_topic=connection.notes_topic,
        last_characters=connection.erp_id_rule == ErpIdRule.LAST,
        info_link=settings.INFO_LINKS.get(connection.server, ""),
    )
