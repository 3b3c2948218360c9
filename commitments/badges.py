"""Each badge's meaning for the project, and its next step (docs/product.md, section 3.3)."""

from commitments.models import Badge

MEANINGS: dict[str, tuple[str, str]] = {
    Badge.NOT_SENT: (
        "Accounting has not seen this commitment.",
        "When it is approved and complete, a project admin sends it to the ERP.",
    ),
    Badge.AWAITING: (
        "Accounting has it and has not decided yet.",
        "An accounting approver accepts or rejects it. Until then a project admin can retrieve it.",
    ),
    Badge.EXPORTING: (
        "Accounting accepted it, and it is being written to Spectrum.",
        "It becomes Synced once Spectrum has confirmed all of it.",
    ),
    Badge.SYNCED: (
        "All of it was written to Spectrum.",
        "You can still change what is not exported, such as description and dates; Spectrum does not "
        "receive those changes.",
    ),
    Badge.SYNCED_WITH_DIFFERENCES: (
        "It is in Spectrum, but not as it was accepted.",
        "An accounting approver compares the two.",
    ),
    Badge.REJECTED: (
        "Accounting sent it back with a reason.",
        "Correct it; then a project admin sends it again.",
    ),
    Badge.RETRIEVED: (
        "It was retrieved before accounting decided.",
        "Change it as needed; then a project admin sends it again.",
    ),
    Badge.FAILED: (
        "Accounting accepted it, but it could not be written to Spectrum.",
        "An accounting approver retries it, or rejects it so that it can be corrected here.",
    ),
    Badge.NEEDS_ATTENTION: (
        "It may be partly in Spectrum.",
        "Read-back or an accounting approver settles this. Until then it stays locked.",
    ),
    Badge.UNLINKED: (
        "Its record in Spectrum is gone, and it has been unlinked.",
        "It can be changed, and a project admin can send it again.",
    ),
}
