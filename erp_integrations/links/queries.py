"""Which of a company's vendors and projects are linked, and what in Spectrum looks like the others."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Value

from commitments.models import NOT_EXPORTED, SENDABLE_STATUSES, Commitment, ContractCompany, LineItem
from directory.db import pagination
from directory.db.pagination import Page
from directory.db.prepared import Parameter
from directory.models import Company
from erp_integrations.confirmations import pending_changes
from erp_integrations.links.kinds import VENDOR, ErpRecord, LinkKind, LinkOwner
from erp_integrations.models import Connection, Vendor, VendorLink
from erp_integrations.models.listing import MAX_COUNT, limit_to_words
from erp_integrations.name_matching import find_suggestions, get_comparable_name

MAX_SEARCH_RESULTS = 20
MOST_LINES = 2_500
"""Counted for a page, in equal parts."""

LINK_FILTERS: Mapping[str, str] = {
    "not-linked": "Not linked",
    "work-waits": "Not linked, in use",
    "linked": "Linked",
    "all": "All",
}
"""The choices of the filter, by address; the first is the default."""


def list_unexported_commitments() -> QuerySet[Commitment]:
    """Those that could go to accounting as far as their status goes, or are there, and are not exported."""
    sendable = (Q(kind=kind, status__in=statuses) for kind, statuses in SENDABLE_STATUSES.items())
    return Commitment.objects.filter(Q(*sendable, _connector=Q.OR), lock__in=NOT_EXPORTED)


def list_needing_links(kind: LinkKind, company: Company | Parameter) -> QuerySet[Any]:
    """Those of ours with such a commitment and no link; a contract company, none where it would go.

    Asked from what is not linked, which is little, and not from the commitments.
    """
    owners: QuerySet[Any] = kind.owner_model.objects.filter(company=company).order_by()
    commitments = list_unexported_commitments()
    if kind is VENDOR:
        owner = {"contract_company": OuterRef(OuterRef("pk"))}
        links = VendorLink.objects.filter(connection=OuterRef("pk"), **owner)
        waiting = commitments.filter(project__job_link__connection=OuterRef("pk"), **owner)
        connections = Connection.objects.filter(~Exists(links), Exists(waiting), company=company)
        return owners.filter(Exists(connections))
    return owners.filter(Exists(commitments.filter(project=OuterRef("pk"))), job_link=None)


def get_link_page(
    kind: LinkKind,
    company: Company,
    connection: Connection | None,
    *,
    view: str,
    search: str,
    parameters: Mapping[str, str],
) -> tuple[Page[LinkOwner], list[dict[str, Any]]]:
    """One page of what of ours is linked, in the order of names. Four queries."""
    link = kind.list_links(None, connection).filter(**{kind.owner_field: OuterRef("pk")})
    owners: QuerySet[Any] = kind.owner_model.objects.filter(company=company)
    match view:
        case "not-linked":
            owners = owners.filter(~Exists(link))
        case "work-waits":
            owners = owners.filter(~Exists(link), pk__in=list_needing_links(kind, company))
        case "linked":
            owners = owners.filter(Exists(link))
    for word in search.split():
        has_word = Q(Exists(link.filter(**{f"{kind.code_field}__icontains": word})))
        for name in kind.owner_search:
            has_word |= Q(**{f"{name}__icontains": word})
        owners = owners.filter(has_word)
    kept = {"view": view} | ({"connection": str(connection.pk)} if connection else {})
    kept |= {"q": search} if search else {}
    page = pagination.get_page(owners, parameters, by="name", ascending=True, kept=kept)
    return page, build_link_rows(kind, company, connection, page.rows)


def build_link_rows(
    kind: LinkKind,
    company: Company,
    connection: Connection | None,
    owners: Sequence[LinkOwner],
    *,
    always_suggest: bool = False,
) -> list[dict[str, Any]]:
    """Each of ours, its link, what that code is in Spectrum's list, suggestions where it is not linked, and a
    ``change`` of the link that waits for a second person. Four queries.

    ``unexported_count`` are its commitments that could go to accounting, or are there, and are not exported.
    """
    links = kind.list_links(owners, connection)
    if not kind.is_per_connection:
        links = links.select_related("connection")
    links_by_owner = {getattr(link, f"{kind.owner_field}_id"): link for link in links}
    records = list(kind.list_erp_records(company, connection))
    by_code = {(record.connection_id, record.code.upper()): record for record in records}
    commitments = list_unexported_commitments().filter(**{f"{kind.owner_field}__in": owners})
    counts = commitments.order_by().values_list(kind.owner_field).annotate(count=Count("pk"))
    unexported = dict(counts) if owners else {}
    suggestions = find_suggestions(
        (each.name for each in owners if always_suggest or each.pk not in links_by_owner),
        ((record.name, record) for record in records if record.gone_at is None and record.is_active),
    )
    subjects = {each.pk: str(kind.get_subject(each, connection)) for each in owners}
    changes = pending_changes.find_by_subjects(subjects.values())
    rows = []
    for each in owners:
        link = links_by_owner.get(each.pk)
        row: dict[str, Any] = {"owner": each, "link": link, "change": changes.get(subjects[each.pk])}
        row["found"] = by_code.get((link.connection_id, link.code.strip().upper())) if link else None
        row["unexported_count"] = unexported.get(each.pk, 0)
        row["suggestions"] = suggestions.get(each.name, [])
        rows.append(row)
    return rows


def list_same_names(company: Company, connection: Connection) -> dict[str, tuple[ContractCompany, Vendor]]:
    """Contract companies without a link, each with the one vendor of its name, by words that name both. A
    name that either side has twice does not say which is meant. Three queries."""
    owners, vendors = defaultdict(list), defaultdict(list)
    for owner in ContractCompany.objects.filter(company=company).order_by("name"):
        owners[get_comparable_name(owner.name)].append(owner)
    for vendor in VENDOR.list_erp_records(company, connection).filter(gone_at=None):
        vendors[get_comparable_name(vendor.name)].append(vendor)
    linked = set(VENDOR.list_links(None, connection).values_list("contract_company", flat=True))
    names = [name for name in owners if name and len(owners[name]) == len(vendors[name]) == 1]
    return {
        f"{owner.name}: {vendor.code} {vendor.name}": (owner, vendor)
        for owner, vendor in ((owners[name][0], vendors[name][0]) for name in names)
        if vendor.is_active and owner.pk not in linked
    }


def find_erp_records(
    kind: LinkKind, company: Company, connection: Connection | None, search: str
) -> list[ErpRecord]:
    """A few of Spectrum's lists by code or name; none for a blank search. One query."""
    records = kind.list_erp_records(company, connection).filter(gone_at=None).order_by(*kind.erp_order)
    records = limit_to_words(records, search, (kind.erp_code, kind.erp_name))
    return list(records[:MAX_SEARCH_RESULTS]) if search else []


def count_lines(wanted: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """For each of these filters its lines and their commitments; "100+" where no more were counted."""
    most = min(MAX_COUNT, MOST_LINES // (len(wanted) or 1)) or 1
    parts = [
        LineItem.objects.filter(**each).order_by().values_list(Value(place), "commitment")[:most]
        for place, each in enumerate(wanted)
    ]
    found: list[list[int]] = [[] for _ in wanted]
    for place, commitment in parts[0].union(*parts[1:], all=True) if parts else ():
        found[place].append(commitment)
    return [
        [f"{count}{'+' * (len(each) == most)}" for count in (len(each), len(set(each)))] for each in found
    ]
