"""Faults of a site and not only of one call: its people, its listener, its services, its read-only copy."""

import sqlite3
from collections.abc import Callable, Mapping

from local.spectrum import hands, subcontracts
from local.spectrum.clock import Clock
from local.spectrum.drift import Drift
from local.spectrum.faults import ScriptedFault
from local.spectrum.info_link import InfoLink
from local.spectrum.layouts import LAYOUTS
from local.spectrum.store import Store
from local.spectrum.subcontracts import SubcontractKey


class Site:
    """One site's conditions, changed by scripted faults and by hand. Threads may use it at the same time."""

    def __init__(self, store: Store, clock: Clock, info_link: InfoLink | None = None) -> None:
        self.store = store
        self.clock = clock
        self.info_link = info_link
        # Whoever listens sets it: take no new connection for so many seconds.
        self.refuse: Callable[[float], None] = lambda seconds: None
        self.drift = Drift()

    def now(self) -> str:
        """The moment as it is stored."""
        return self.clock.now().isoformat(timespec="milliseconds")

    def strike(self, fault: ScriptedFault, sent: Mapping[str, str]) -> None:
        """Let a fault happen. `sent` is what the call says that it waited for; a fault of the whole
        site needs none. Kinds that only break a reply are not for here, and do nothing."""
        match fault.kind:
            case "person_edits" | "person_deletes" | "number_taken":
                self._by_hand(fault, sent)
            case "person_recodes":
                change = {"company": sent["Company_Code"], "vendor": sent["Vendor_Code"], "to": fault.text}
                self.change_keys(change)
            case "refuse_connection":
                self.refuse(fault.seconds)
            case "wsdl_drift":
                for method in [fault.method] if fault.method else LAYOUTS:
                    self.drift.set({"method": method, "add": [fault.column]})
            case "read_back_lag" if self.info_link is not None:
                self.info_link.lag(fault.seconds)
            case "read_back_outage" if self.info_link is not None:
                self.info_link.fail(fault.seconds)

    def recover(self) -> None:
        """All is as it was at the start. What people did in the records stays."""
        self.drift.clear()
        if self.info_link is not None:
            self.info_link.recover()

    def enter(self, document: object) -> SubcontractKey:
        """A person enters or changes a subcontract. Raises hands.BadRecordError."""
        with self.store.transaction() as db:
            key = hands.enter(db, document, at=self.now())
        self.show(key)
        return key

    def delete(self, key: SubcontractKey) -> bool:
        """A person deletes a subcontract; False when there is none."""
        with self.store.transaction() as db:
            deleted = hands.delete(db, key)
        self.show(key)
        return deleted

    def empty(self) -> None:
        """Every subcontract is gone, as in a site that has none yet."""
        with self.store.transaction() as db:
            keys = subcontracts.keys(db)
            for key in keys:
                hands.delete(db, key)
        for key in keys:
            self.show(key)

    def change_keys(self, document: object) -> list[SubcontractKey]:
        """A person changes codes, numbers or phases. Raises hands.BadRecordError."""
        with self.store.transaction() as db:
            changed = hands.change_keys(db, document)
        for key in changed:
            self.show(key)
        return changed

    def bill(self, document: object) -> SubcontractKey:
        """A person enters an invoice or a payment. Raises hands.BadRecordError."""
        with self.store.transaction() as db:
            key = hands.bill(db, document, at=self.now())
        self.show(key)
        return key

    def show(self, key: SubcontractKey) -> None:
        """Let Info-Link's readers see what was committed under the key, when their lag is over."""
        if self.info_link is not None:
            with self.store.reading() as db:
                self.info_link.take(db, key)

    def _by_hand(self, fault: ScriptedFault, sent: Mapping[str, str]) -> None:
        key = SubcontractKey(sent["Company_Code"], sent["Vendor_Code"], sent["Subcontract_Number"])
        with self.store.transaction() as db:
            self._change(db, fault, sent, key)
        self.show(key)

    def _change(
        self, db: sqlite3.Connection, fault: ScriptedFault, sent: Mapping[str, str], key: SubcontractKey
    ) -> None:
        match fault.kind:
            case "person_edits":
                hands.edit(db, sent, fault.column, fault.text, at=self.now())
            case "person_deletes":
                hands.delete(db, key)
            case "number_taken":
                hands.take_number(db, sent, at=self.now())
