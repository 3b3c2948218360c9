"""Each rule that is taken out, where, and the tests that have to notice."""

from dataclasses import dataclass

EXPORTING = "erp_integrations/exports/worker.py"
DELIVERY = "erp_integrations/exports/delivery.py"
BEFORE_SENDING = "erp_integrations/exports/before_sending.py"
OUTCOMES = "erp_integrations/exports/outcomes.py"
RECOVERY = "erp_integrations/exports/unknown.py"
LEDGER = "erp_integrations/exports/ledger.py"
MAILS = "notifications/sending.py"
LEASES = "directory/db/leases.py"
ACCEPTING = "erp_integrations/submissions/accepting.py"
LOCKING = "erp_integrations/submissions/row_locks.py"
FOUR_EYES = "erp_integrations/submissions/four_eyes.py"

TESTS_OF_EXPORTS = "tests/erp_integrations/exports/"
DELIVERING = f"{TESTS_OF_EXPORTS}test_worker.py"
RECOVERING = f"{TESTS_OF_EXPORTS}test_unknown.py"
LOCKS = f"{TESTS_OF_EXPORTS}test_row_locks.py"
VERIFYING = f"{TESTS_OF_EXPORTS}test_verification.py"
DECIDING = "tests/erp_integrations/submissions/test_decisions.py"
FOLLOWING_UP = "tests/erp_integrations/submissions/test_follow_ups.py"
CONFIRMING = "tests/erp_integrations/confirmations/test_second_person.py"
SIGNING = "tests/erp_integrations/exports/test_signing.py"
TRANSPORT = "tests/erp_integrations/adapters/spectrum/test_transport.py"
MAILING = "tests/notifications/test_sending.py"


@dataclass(frozen=True)
class Mutation:
    """``old`` stands once in ``file`` and becomes ``new``; ``tests`` are files, asked one after the other."""

    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


_CLAIM = """        connection = Connection.objects.lock(connection_id)
        if connection.state.lease_attempt != fencing_token:
            raise LeaseLost
        found = list_claimable(job=job_id)
"""
_CLAIMED = "        found = list_claimable(job=job_id)\n"
_UNLOCKED = (
    'list(ExportJob.objects.due().select_related("connection__settings", "connection__state").select_related('
    '"submission__company", "submission__commitment").filter(pk=job_id))'
)
_DECISION = '    return rows.select_for_update(of=("commitment", "self"))\n'
_RESULT = """    commitment = Commitment.objects.select_for_update().get(pk=ids["submission__commitment_id"])
    submission = (
        Submission.objects.select_for_update(of=("self",))
        .select_related("company")
        .get(pk=ids["submission_id"])
    )
    connection = Connection.objects.lock(ids["connection_id"])
    job = ExportJob.objects.select_for_update().get(pk=job_id)
"""
_OVERTAKEN = "        if connection.state.lease_attempt != fencing_token:\n            raise LeaseLost\n"
_FENCED = """\
        if not update_connection_lease(connection=job.connection_id, **lease):
            raise LeaseLost
"""
_RENEWED = "        outcomes.start_lease_anew(job)\n"
_NOT_ASKED = (
    "        ExportJob.objects.filter(pk=job.pk).update(lease_until=LeaseEnd(get_lease_duration()))\n"
)

MUTATIONS = (
    Mutation(
        "the lease check before a call",
        DELIVERY,
        _FENCED,
        "",
        (f"{DELIVERING}::test_a_worker_whose_connection_was_taken_over_sends_nothing_more",),
    ),
    Mutation(
        "the lease check before a claim",
        EXPORTING,
        _OVERTAKEN + _CLAIMED,
        _CLAIMED,
        (f"{LOCKS}::test_a_worker_whose_connection_was_taken_over_claims_nothing_more",),
    ),
    Mutation(
        "the attempt check before a call",
        DELIVERY,
        _RENEWED,
        _NOT_ASKED,
        (f"{DELIVERING}::test_a_late_worker_changes_nothing",),
    ),
    Mutation(
        "both checks before a call",
        DELIVERY,
        _FENCED + _RENEWED,
        _NOT_ASKED,
        (f"{DELIVERING}::test_a_late_worker_changes_nothing",),
    ),
    Mutation(
        "the lease check on what follows an answer",
        DELIVERY,
        "job__connection__state__lease_attempt=fencing_token, **leased",
        "**leased",
        (f"{DELIVERING} -k nothing_follows_when_the_lease_is_lost",),
    ),
    Mutation(
        "the attempt check on what follows an answer",
        DELIVERY,
        "lease_attempt=fencing_token, **leased",
        "lease_attempt=fencing_token",
        (f"{DELIVERING} -k nothing_follows_when_the_lease_is_lost",),
    ),
    Mutation(
        "the attempt check on an answer",
        OUTCOMES,
        "    if (row.status, row.attempt) != (JobStatus.EXPORTING, job.attempt):\n",
        "    if row.status != JobStatus.EXPORTING:\n",
        (f"{DELIVERING}::test_a_late_worker_changes_nothing_of_the_worker_that_followed",),
    ),
    Mutation(
        "any check on an answer",
        OUTCOMES,
        "    if (row.status, row.attempt) != (JobStatus.EXPORTING, job.attempt):\n        raise LeaseLost\n",
        "",
        (f"{DELIVERING}::test_a_late_worker_changes_nothing",),
    ),
    Mutation(
        "the attempt check on an answer that all went well",
        OUTCOMES,
        "        start_lease_anew(job)\n",
        "        pass\n",
        (f"{DELIVERING}::test_a_late_worker_changes_nothing",),
    ),
    Mutation(
        "the attempt check when all is written",
        OUTCOMES,
        "pk=job, attempt=attempt, status=JobStatus.EXPORTING), {**ended",
        "pk=job), {**ended",
        (f"{DELIVERING}::test_a_late_worker_changes_nothing",),
    ),
    Mutation(
        "the last look at the clock before a call",
        "erp_integrations/adapters/spectrum/wire.py",
        "if time.monotonic() > self._until:",
        "if False:",
        (f"{DELIVERING}::test_a_call_that_might_outlast_its_lease_does_not_leave",),
    ),
    Mutation(
        "one writer per Spectrum company",
        EXPORTING,
        "ConnectionState.objects.unleased().available().annotate",
        "ConnectionState.objects.available().annotate",
        (f"{DELIVERING}::test_a_connection_has_one_writer",),
    ),
    Mutation(
        "that only its holder lets a connection go",
        EXPORTING,
        "ConnectionState.objects.filter(pk=connection_id, lease_attempt=fencing_token).update(\n"
        "        lease_holder",
        "ConnectionState.objects.filter(pk=connection_id).update(\n        lease_holder",
        (f"{DELIVERING}::test_a_late_worker_does_not_release_the_connection_of_the_next",),
    ),
    Mutation(
        "SKIP LOCKED on the connection",
        LEASES,
        'select_for_update(of=("self",), skip_locked=True).first()',
        'select_for_update(of=("self",)).first()',
        (f"{LOCKS}::test_a_connection_that_another_worker_takes_at_this_moment_is_not_waited_for",),
    ),
    Mutation(
        "SKIP LOCKED on the job",
        EXPORTING,
        '.select_for_update(of=("self",), skip_locked=True)',
        '.select_for_update(of=("self",))',
        (f"{LOCKS}::test_nor_is_a_job_that_somebody_holds",),
    ),
    Mutation(
        "the row locks of a claim",
        EXPORTING,
        _CLAIM,
        _CLAIM.replace(".lock(", ".get(pk=").replace("list_claimable(job=job_id)", _UNLOCKED),
        (f"{LOCKS}::test_a_job_that_a_person_takes_back_at_this_moment_is_not_claimed",),
    ),
    Mutation(
        "the row locks of a decision",
        LOCKING,
        _DECISION,
        "    return rows\n",
        (f"{LOCKS}::test_of_two_who_decide_at_this_moment_the_second_is_told_of_the_first",),
    ),
    Mutation(
        "the row locks of what a delivery changes, and a person decides",
        OUTCOMES,
        _RESULT,
        _RESULT.replace('.select_for_update(of=("self",))', "")
        .replace(".select_for_update()", "")
        .replace(".lock(", ".get(pk="),
        (f"{LOCKS}::test_a_job_that_a_person_takes_back_at_this_moment_is_not_claimed",),
    ),
    Mutation(
        "the hash of what the approver saw",
        ACCEPTING,
        "if basis.hash != expected_hash:",
        "if False:",
        (f"{DECIDING}::test_a_link_that_changed_after_the_preview_is_a_conflict",),
    ),
    Mutation(
        "the hash of what was accepted, before an export begins",
        BEFORE_SENDING,
        'if basis.is_bound_by(job):\n        return ""',
        'return ""',
        (f"{DELIVERING}::test_a_link_that_changed_since_it_was_accepted_fails_the_export",),
    ),
    Mutation(
        "the hash of each call",
        LEDGER,
        "if not stored.payload_hash == accepted == to_call(stored).hash:",
        "if False:",
        (f"{DELIVERING}::test_a_call_that_was_altered_is_never_sent",),
    ),
    Mutation(
        "the intent that is stored before the wire",
        DELIVERY,
        '    yield {"call": entry.call_id, "state": CallState.SENDING}\n',
        '    yield {"call": entry.call_id, "state": CallState.PLANNED}\n',
        (f"{DELIVERING}::test_a_worker_that_died_while_sending_leaves_it_unknown",),
    ),
    Mutation(
        "the ledger's word on whose a record is",
        BEFORE_SENDING,
        "if not ledger.has_possible_write_under_key(job):",
        "if False:",
        (
            f"{VERIFYING}::TestWhoseTheNumberIs::test_a_record_made_by_hand_under_our_key_is_never_overwritten",
        ),
    ),
    Mutation(
        "the look before the first write",
        BEFORE_SENDING,
        "    if not adapter.has_read_back:\n        return found\n",
        "    return found\n",
        (
            f"{VERIFYING}::TestWhoseTheNumberIs::test_a_record_made_by_hand_under_our_key_is_never_overwritten",
        ),
    ),
    Mutation(
        "the quiet period",
        OUTCOMES,
        "job.quiet_until = job.not_before = Now() + timedelta(seconds=settings.QUIET_PERIOD_SECONDS)",
        "job.quiet_until = job.not_before = Now()",
        (f"{RECOVERING}::TestTheQuietPeriod",),
    ),
    Mutation(
        "the quiet period for a person",
        LOCKING,
        "    if ExportJob.objects.past_quiet_period().filter(pk=job.pk).exists():\n        return\n",
        "    return\n",
        (f"{FOLLOWING_UP} -k before_the_quiet_period",),
    ),
    Mutation(
        "the read-back before a re-send",
        RECOVERY,
        "    found = read_back(job)\n",
        "    found: StoredRecord | NotFound | Unavailable = NotFound()\n",
        (f"{TESTS_OF_EXPORTS}test_notes.py", RECOVERING),
    ),
    Mutation(
        "that an interrupted call is unknown",
        OUTCOMES,
        '    if not end_interrupted_call(job, "the worker stopped while it was being sent."):\n'
        "        requeue_after",
        "    if True:\n        requeue_after",
        (f"{DELIVERING}::test_a_worker_that_died_while_sending_leaves_it_unknown",),
    ),
    Mutation(
        "that what was seen of another attempt counts no more",
        RECOVERY,
        "    if (row.status, row.attempt) != (JobStatus.UNKNOWN, job.attempt) or row.not_before is None:\n"
        "        return False\n",
        "",
        (f"{RECOVERING}::TestALook::test_what_was_seen_of_an_earlier_unknown_counts_no_more",),
    ),
    Mutation(
        "the second look of the sweep, under lock",
        OUTCOMES,
        "    if not ExportJob.objects.stalled().filter(pk=job_id).exists():\n        return\n",
        "",
        (f"{DELIVERING}::test_of_two_sweeps_that_saw_a_dead_worker_the_second_changes_nothing",),
    ),
    Mutation(
        "the right of the approver, when an export begins",
        EXPORTING,
        "    if membership is None or not membership.can_decide:",
        "    if False:",
        (f"{DELIVERING}::test_an_approver_who_lost_the_right_takes_the_acceptance_back",),
    ),
    Mutation(
        "the right of the approver, under the lock of the decision",
        LOCKING,
        "    require_may_decide(submission=submission, by=by, membership=membership)\n",
        "",
        (f"{DECIDING}::test_a_viewer_can_not_decide",),
    ),
    Mutation(
        "that one's own commitment is decided by another",
        FOUR_EYES,
        "    if submission.is_own_decision(person):",
        "    if False:",
        (f"{DECIDING}::test_nobody_decides_on_what_they_created_or_sent",),
    ),
    Mutation(
        "that whoever turned where it goes is barred",
        FOUR_EYES,
        "    if not changes:",
        "    if True:",
        (f"{CONFIRMING}::TestOnePerson",),
    ),
    Mutation(
        "that another person's change is ticked",
        FOUR_EYES,
        "    if any(each.stamp not in ticked for each in changes):",
        "    if False:",
        (f"{CONFIRMING}::TestTheSecondOne",),
    ),
    Mutation(
        "web's signature on what is written",
        "erp_integrations/exports/ledger.py",
        "    if problem := signing.describe_missing_signature(job, decisions):",
        "    if False:",
        (f"{SIGNING}::TestAcceptances",),
    ),
    Mutation(
        "web's signature on the grant, for a worker",
        EXPORTING,
        'return "" if approvers.is_grant_signed(membership) else signing.NOT_GRANTED',
        'return ""',
        (f"{SIGNING}::TestGrants",),
    ),
    Mutation(
        "that an account in other hands holds the privilege no more",
        "directory/rights/privilege_suspension.py",
        "    elif reason := get_suspension_reason(entry, person):",
        "    elif False:",
        ("tests/directory/test_privilege_suspension.py::TestWhatEndsIt",),
    ),
    Mutation(
        "that nobody changes their own levels",
        "directory/rights/memberships.py",
        "    if membership.user_id == by.pk:\n        raise DirectoryError(OWN_LEVELS_MESSAGE)",
        "",
        ("tests/directory/test_memberships.py::TestOwnLevels",),
    ),
    Mutation(
        "that what nobody else could be told of is refused",
        "erp_integrations/emails/rights_mails.py",
        "    if by and not (recipients or operator or notice.only_revokes):",
        "    if False:",
        ("tests/erp_integrations/emails/test_rights_mails.py::TestWhoIsTold",),
    ),
    Mutation(
        "the unique key under which an ERP ID is reserved",
        ACCEPTING,
        "            [hold], update_conflicts=True,",
        "            [], update_conflicts=True,",
        (f"{DECIDING}::test_two_commitments_can_not_have_one_name_in_spectrum",),
    ),
    Mutation(
        "undo against a claim",
        "erp_integrations/submissions/undoing.py",
        "if job.status != JobStatus.QUEUED or not ledger.is_unwritten(job):",
        "if False:",
        (f"{FOLLOWING_UP} -k too_late",),
    ),
    Mutation(
        "the grace in which an acceptance can be undone",
        ACCEPTING,
        "job.not_before = Now() + timedelta(seconds=settings.UNDO_SECONDS)",
        "job.not_before = Now()",
        (f"{FOLLOWING_UP} -k within_the_grace",),
    ),
    Mutation(
        "that a worker which is told to stop hands back",
        DELIVERY,
        "            if stopping.is_set():\n",
        "            if False:\n",
        (f"{DELIVERING}::test_a_worker_that_is_told_to_stop_hands_back_and_uses_up_no_try",),
    ),
    Mutation(
        "that an answer stands where what follows it can't",
        DELIVERY,
        "            return True\n        except Exception as error:\n",
        "            return True\n        except AssertionError as error:\n",
        (f"{DELIVERING} -k leaves_the_answer_standing",),
    ),
    Mutation(
        "one attempt on the wire",
        "erp_integrations/adapters/spectrum/wire.py",
        "            reply = connection.getresponse()\n",
        "            try:\n                reply = connection.getresponse()\n            except Exception:\n"
        "                connection.close()\n"
        "                connection.request(verb, target.request_uri, body=body, preload_content=False)\n"
        "                reply = connection.getresponse()\n",
        (f"{TRANSPORT} -k silence",),
    ),
    Mutation(
        "that a broken answer is unknown",
        "erp_integrations/adapters/spectrum/transport.py",
        "    if exchange.bytes_sent:\n"
        "        return Unknown(exchange.failure, clean_reply_text(exchange.body))\n",
        "",
        (f"{TRANSPORT} -k silence",),
    ),
    Mutation(
        "the end of a frozen process's transaction",
        "directory/db/sessions.py",
        "settings.IDLE_TRANSACTION_SECONDS * 1000",
        "0",
        ("tests/directory/test_database_sessions.py",),
    ),
    Mutation(
        "the fixed Message-ID",
        MAILS,
        '            "Message-ID": email.message_id,\n',
        "",
        (f"{MAILING}::test_a_stored_mail_arrives_with_both_parts_and_its_message_id",),
    ),
    Mutation(
        "that a dead sender's mail is queued again",
        MAILS,
        "    requeue_abandoned_emails()\n    connection = ",
        "    connection = ",
        (f"{MAILING}::test_a_mail_of_a_dead_sender_is_sent_by_the_next",),
    ),
    Mutation(
        "the lease of a mail, right before the wire",
        MAILS,
        "            OutgoingEmail.objects.leased().renew(email, _get_lease_duration())\n",
        "",
        (f"{MAILING}::test_a_sender_that_lost_its_lease_before_the_wire_sends_nothing",),
    ),
    Mutation(
        "SKIP LOCKED on the mails",
        LEASES,
        'select_for_update(of=("self",), skip_locked=True).first()',
        'select_for_update(of=("self",)).first()',
        (f"{MAILING}::test_a_claim_does_not_wait_for_a_row_that_another_claims",),
    ),
    Mutation(
        "the row lock of a mail",
        LEASES,
        'self.select_for_update(of=("self",), skip_locked=True).first()',
        "self.first()",
        (f"{MAILING}::test_two_senders_at_once_send_each_mail_once",),
    ),
    Mutation(
        "the attempt check on what became of a mail",
        LEASES,
        "self.filter(pk=claimed.pk, **status, **{self.fencing_token: token})",
        "self.filter(pk=claimed.pk, **status)",
        (f"{MAILING}::test_a_late_sender_changes_nothing",),
    ),
)
