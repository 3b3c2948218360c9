"""A record under our key that our own ledger does not know, held against what would be written there.

After a restored backup, or a commit that came late, it is ours all the same: then the advice to
choose another ERP ID would put the money into Spectrum twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from erp_integrations.adapters.base import Adapter, Call, Difference, Key, StoredRecord
from erp_integrations.delivery import recovery
from erp_integrations.delivery.recovery import Conclusion, Shown

MOST_DIFFERENCES = 5  # in a sentence


@dataclass(frozen=True, slots=True)
class StandingRecord:
    """What stands under a key, and how much of a plan that is; None where there is no plan to compare."""

    key: Key
    record: StoredRecord
    compared: Conclusion | None

    @property
    def is_whole(self) -> bool:
        """Whether it is exactly what would be written."""
        return self.compared is not None and self.compared.shown is Shown.ALL

    @property
    def can_be_adopted(self) -> bool:
        """Whether it is what would be written, or a part of that and nothing else."""
        return self.compared is not None and self.compared.shown in (Shown.ALL, Shown.PART)

    @property
    def code(self) -> str:
        """The finding's stable name."""
        if self.can_be_adopted:
            return "record-as-planned" if self.is_whole else "record-in-part"
        return "record-otherwise" if self.compared and self.compared.is_the_plans else "erp-id-in-spectrum"

    @property
    def sentence(self) -> str:
        """What is there, beside what would be written."""
        name = f"subcontract {self.key.erp_id} of vendor {self.key.vendor_code}"
        count = len(self.record.lines)
        holds = (
            f"job {self.record.header.get('Job_Number', '')}, {count} {'line' if count == 1 else 'lines'}, "
            f"amount {self.record.header.get('Original_Amount', '')}"
        )
        match self.code, self.compared:
            case "record-as-planned", _:
                return f"Spectrum already holds {name}, exactly as it would be written from here: {holds}."
            case "record-in-part", Conclusion(written=written):
                return (
                    f"Spectrum already holds a part of it as {name}: {sum(written)} of {len(written)} calls, "
                    f"each exactly as it would be written from here ({holds})."
                )
            case "record-otherwise", Conclusion(differences=differences):
                return (
                    f"Spectrum already holds {name} for the same job and with lines of this commitment, but "
                    f"otherwise than it would be written. In Spectrum: {in_words(differences)}."
                )
        return f"Spectrum already holds {name}, which was not made here: {holds}. It would be overwritten."

    @property
    def advice(self) -> str:
        """What to do: never another number where job and lines are the plan's."""
        match self.code:
            case "record-as-planned":
                return "Mark it as exported: nothing is written then."
            case "record-in-part":
                return "Adopt what stands there and send the rest."
            case "record-otherwise":
                return (
                    "Keep this ERP ID: under another one the money would be in Spectrum twice. "
                    "Put it right in Spectrum, then check again."
                )
        if self.compared is None:
            return "Mend what else stands in the way: then it is compared with what would be written."
        return "Choose another ERP ID in the Accept box."


def compare(adapter: Adapter, key: Key, calls: Sequence[Call], record: StoredRecord) -> StandingRecord:
    """Hold a record against a plan of which nothing is known to be written; no calls: there is no plan."""
    unsent = [(call, False) for call in calls]
    return StandingRecord(key, record, recovery.conclude(adapter, unsent, (), record) if calls else None)


def in_words(differences: Iterable[Difference]) -> str:
    """The first of some differences."""
    return "; ".join(
        f"{' '.join(filter(None, [each.title, each.name]))}: {each.stored or 'nothing'}, "
        f"and {each.sent or 'nothing'} from here"
        for each in list(differences)[:MOST_DIFFERENCES]
    )
