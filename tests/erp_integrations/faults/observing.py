"""One fault from its beginning to its end: what Spectrum holds, and what the approver's page says of it."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import DateTimeField, F
from django.test import Client
from lxml import html

from directory.models import User
from erp_integrations.adapters.registry import build_sending_adapter
from erp_integrations.connections import probing
from erp_integrations.exports import unknown, verification, worker
from erp_integrations.models import ConnectionState, ExportJob
from tests.endurance.contracts.comparing import differences
from tests.endurance.contracts.pages import plan
from tests.endurance.contracts.people import words_of
from tests.erp_integrations.faults.cases import Fault
from tests.simulator import Simulator

TURNS = 12  # of a worker, until nothing changes by itself any more
A_WHILE = timedelta(hours=1)
LINES = 2


@dataclass(frozen=True)
class Row:
    """One row of the table; each cell is a sentence or a few."""

    fault: str
    stored: str
    at_first: str
    in_the_end: str
    can_do: str


def observe(fault: Fault, job: ExportJob, approver: User, simulator: Simulator) -> Row:
    """Run one fault against one accepted commitment of two lines, and look twice."""
    if fault.known:
        build_sending_adapter(job)
    page = _page_for(approver, job)
    if fault.by_hand:
        fault.by_hand(simulator, job.connection.company_code, job.erp_id)
    # A fault of the whole site knows no number; all others wait for this one.
    simulator.set_faults(
        *(each if each.get("on_call") == 0 else {"key": job.erp_id, **each} for each in fault.script)
    )
    _turn(job.connection_id)
    at_first = _said(page(), job)
    if not fault.stays:
        simulator.set_faults()  # waits where the connection is refused
    _wait_for_calls(simulator, job.erp_id)
    for _ in range(TURNS):
        _time_passes()
        _turn(job.connection_id)
    last = page()
    row = Row(fault.words, _stored(simulator, job, last), at_first, _said(last, job), _can_do(last))
    simulator.set_faults()
    return row


def _turn(connection_id: int) -> None:
    """As a worker does when it looks around."""
    probing.probe_if_due(connection_id)
    worker.run_sweep()
    unknown.read_back_due(connection_id)
    while worker.export_due_jobs(connection_id):
        pass
    verification.verify_due()


def _time_passes() -> None:
    """Whatever was to be waited for is over, as our rows tell it."""
    for model in (ExportJob, ConnectionState):
        moments = [field.name for field in model._meta.fields if isinstance(field, DateTimeField)]
        model.objects.update(**{name: F(name) - A_WHILE for name in moments})


def _wait_for_calls(simulator: Simulator, number: str) -> None:
    """Until Spectrum works on nothing any more."""
    until = time.monotonic() + 10
    while any(call["outcome"] == "running" for call in simulator.calls() if call["number"] == number):
        assert time.monotonic() < until
        time.sleep(0.02)


def _page_for(approver: User, job: ExportJob) -> Callable[[], html.HtmlElement]:
    client = Client()
    client.force_login(approver)
    address = job.submission.get_absolute_url()

    def page() -> html.HtmlElement:
        answer = client.get(address)
        assert answer.status_code == 200
        return html.document_fromstring(answer.content.decode())

    return page


def _said(page: html.HtmlElement, job: ExportJob) -> str:
    """The badge, and the title and the first sentences of what the page explains."""
    badge = words_of(page.get_element_by_id("badge"))
    notice = page.find(".//div[@id='state']//div[@class]")
    assert notice is not None
    title, first, *_ = (words_of(paragraph) for paragraph in notice.iter("p"))
    return f"**{badge}**: {_without_what_varies(f'{title}. {first}', job)}"


def _without_what_varies(text: str, job: ExportJob) -> str:
    text = text.replace(job.erp_id, "SC-1")
    return re.sub(r" (?:on|since) \d+ \w{3} \d{4}, \d\d:\d\d \w+", "", text)


def _can_do(page: html.HtmlElement) -> str:
    buttons = [
        words_of(each)
        for part in ("decision", "state")
        if (found := page.get_element_by_id(part, None)) is not None
        for each in found.iter("a", "button")
        if "button" in each.get("class", "").split()
    ]
    return ", ".join(dict.fromkeys(buttons)) or "–"


def _stored(simulator: Simulator, job: ExportJob, page: html.HtmlElement) -> str:
    record = simulator.record(job.erp_id, company=job.connection.company_code)
    if record is None:
        return "nothing"
    if record["Job_Number"] != "24-001":
        return f"a subcontract of job {record['Job_Number']}"
    other = [
        each
        for each in differences(plan(page), record)
        if not each.endswith("is not there") and not each.startswith("the total is")
    ]
    found = f"the header and {len(record['lines'])} of {LINES} lines"
    return f"{found}; {_without_what_varies('; '.join(other), job)}" if other else found
