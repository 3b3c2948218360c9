"""Work for a person: raised where it happens, and mailed by ``attention``."""

from erp_integrations.models import Alarm, Connection, ExportJob


def create_alarm(source: Connection | ExportJob, sentence: str, *, tells_sender: bool = False) -> None:
    """Keep it in the transaction of its cause; ``tells_sender`` where the project must act."""
    connection, submission = (
        (source, None) if isinstance(source, Connection) else (source.connection, source.submission)
    )
    Alarm.objects.create(
        connection=connection, submission=submission, sentence=sentence, tells_sender=tells_sender
    )
