"""What a person must look at: raised where it happens, and mailed by ``attention``."""

from erp_integrations.models import Alarm, Connection, ExportJob


def raise_for(what: Connection | ExportJob, sentence: str, *, tells_sender: bool = False) -> None:
    """Keep it in the transaction of its cause; ``tells_sender`` where the project must act."""
    connection, submission = (
        (what, None) if isinstance(what, Connection) else (what.connection, what.submission)
    )
    Alarm.objects.create(
        connection=connection, submission=submission, sentence=sentence, tells_sender=tells_sender
    )
