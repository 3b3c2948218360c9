"""People's decisions about each commitment, and where it stands in the end."""

from dataclasses import dataclass, field

from tests.endurance.contracts.office import Company
from tests.endurance.contracts.pages import Commitment, Plan

VIEWS = ("ready-to-export", "exporting", "failed-to-export", "needs-attention", "synced", "rejected")


@dataclass
class Deed:
    """One commitment: what became of it by people's will, and what they were shown."""

    what: str
    """The last of it: sent, accepted, rejected, retrieved or undone."""
    company: Company
    commitment: Commitment
    submission: str
    step: str
    """The last thing that was broken when the last decision was made."""
    shown: Plan | None = None
    """The plan that the approver saw who accepted it last."""
    rejections: int = 0
    said: str = ""
    """In which of accounting's lists it stands in the end; "" for none."""
    remark: str = ""
    """That list's words on it."""
    told: list[str] = field(default_factory=list)
    """Its events, for whoever reads a complaint."""
