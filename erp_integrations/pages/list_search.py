"""The search above the tool's list: words, people, kinds, codes of vendors and jobs, and amounts.

People, codes and projects become keys and names first, which are few, so that each part of the search is
answered by an index (docs/performance.md).
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db.models import F, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat, Lower

from commitments.models import Kind
from directory.db.search import build_word_filter, list_few
from directory.models import Company, User
from erp_integrations.models import Submission, VendorLink

MANY = 400
"""Of so many that are found the next are soon met in the order of the list."""
AMOUNT = re.compile(r"-?\$?(?:[0-9]{1,3}(?:,[0-9]{3}){1,4}|[0-9]{1,15})(?:\.[0-9]{1,2})?")
KINDS = {"purchase order": Kind.PURCHASE_ORDER, "subcontract": Kind.SUBCONTRACT}


def parse_amount(text: str) -> Decimal | None:
    """As people write it: with or without separators, cents and a dollar sign."""
    return Decimal(re.sub("[$,]", "", text)) if AMOUNT.fullmatch(text) else None


def build_search(company: Company, typed: str) -> Q:
    """Each word begins one of the commitment's own, or is of what it belongs to. Two queries where something
    is typed: what is found becomes keys, if few, since PostgreSQL expects many and would look row by row.

    An amount with cents is the total's, one without them the total's whole dollars. The currency before an
    amount says nothing.
    """
    text = re.sub(rf"\b{re.escape(company.currency.lower())} (?=[0-9$])", "", typed.lower())
    words = ["".join(each) for each in re.findall(rf"\b({'|'.join(KINDS)})s?(?!\S)|(\S+)", text)]
    if not words:
        return Q()
    named = list_named(company, words)
    found = Q(*(build_word_search(company, word, named) for word in words))
    few = list_few(Submission.objects.filter(found, company=company), most=MANY)
    return found if few is None else Q(pk__in=few)


def build_word_search(company: Company, word: str, named: Iterable[tuple[str, str, str]]) -> Q:
    """``named`` are those of ``list_named``."""
    found = Q()
    if (amount := parse_amount(word)) is not None:
        cents = Decimal(0 if "." in word else "0.99").copy_sign(amount)
        found = Q(company=company, total__range=sorted((amount, amount + cents)))
    if not {"$", ","} & set(word) or not found:
        found |= build_word_filter([company.pk], word)
    keys: dict[str, list[str]] = {"project": [], "sent_by": [], "vendor": []}
    for what, key, text in named:
        if {"project": word in text, "sent_by": f" {word}" in text, "vendor": text == f" {word}"}[what]:
            keys[what].append(key)
    found |= Q(project__in=keys["project"]) | Q(company=company, sent_by__in=keys["sent_by"])
    found |= build_vendor_filter(company, keys["vendor"])
    return found | Q(kind=KINDS[word]) if word in KINDS else found


def build_vendor_filter(company: Company, names: Iterable[str]) -> Q:
    """Sent with one of these names, which are found by their words first."""
    found = Q(pk__in=[])
    for name in names:
        found |= build_word_filter([company.pk], name) & Q(contract_company_name=name)
    return found


def list_named(company: Company, words: list[str]) -> list[tuple[str, str, str]]:
    """Projects and people of the company by their keys, and vendors by their names, each with the words or
    the code for which one of the typed was found. One query.
    """
    projects = company.projects.annotate(code=F("job_link__job_number"))
    people = User.objects.filter(company_memberships__company=company)
    vendors = VendorLink.objects.filter(connection__company=company)
    parts = [
        build_named(
            projects, words, "project", "pk", "name__icontains", "number__icontains", "code__icontains"
        ),
        build_named(people, words, "sent_by", "pk", "first_name__icontains", "last_name__icontains"),
        build_named(vendors, words, "vendor", "contract_company__name", "vendor_code__iexact"),
    ]
    return list(parts[0].union(*parts[1:]))


def build_named(
    rows: QuerySet[Any], words: Iterable[str], what: str, key: str, *lookups: str
) -> QuerySet[Any, Any]:
    with_word = Q(*((lookup, word) for lookup in lookups for word in words), _connector=Q.OR)
    names = (F(lookup.rpartition("__")[0]) for lookup in lookups)
    text: Any = Lower(Concat(Value(""), *(part for name in names for part in (Value(" "), name))))
    return rows.filter(with_word).order_by().values_list(Value(what), Cast(key, TextField()), text)
