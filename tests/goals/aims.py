"""Goals that must not be reached."""

OWN_CONTENT, ELSEWHERE, APPROVER, UNTOLD, TRACES = "A", "B", "C", "D", "E"
GOALS = {
    OWN_CONTENT: "what one person wrote is exported by their own acceptance",
    ELSEWHERE: "money goes elsewhere than everybody uninvolved was shown, or another amount",
    APPROVER: "somebody decides as an approver whom nobody else made one",
    UNTOLD: "authority was given or steered, and nobody uninvolved was told",
    TRACES: "the history names somebody else as the one who did it",
}

ACCEPTANCES = ("submission.accepted", "export.retried", "submission.adopted", "export.followed")
"""Events by which a plan of calls is somebody's decision."""
