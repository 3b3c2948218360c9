"""An accepted submission has exactly one job that is not cancelled; no other has one.

The partial unique index says "at most one". That there is one, and none elsewhere, no index
can say: a deferred trigger checks it at commit (docs/architecture.md, section 4.4).
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION acceptance_and_job_agree() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    checked bigint;
    accepted boolean;
    jobs integer;
BEGIN
    IF TG_TABLE_NAME = 'erp_integrations_submission' THEN
        checked := NEW.id;
    ELSE
        checked := COALESCE(NEW.submission_id, OLD.submission_id);
    END IF;
    SELECT status = 'accepted' INTO accepted FROM erp_integrations_submission WHERE id = checked;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT count(*) INTO jobs FROM erp_integrations_exportjob
        WHERE submission_id = checked AND status <> 'cancelled';
    IF jobs <> accepted::integer THEN
        RAISE EXCEPTION 'submission % has % open export jobs, which its status does not allow', checked, jobs
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'acceptance_and_job_agree';
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER acceptance_and_job_agree
    AFTER INSERT OR UPDATE OF status ON erp_integrations_submission
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION acceptance_and_job_agree();

CREATE CONSTRAINT TRIGGER acceptance_and_job_agree
    AFTER INSERT OR DELETE OR UPDATE OF status, submission_id ON erp_integrations_exportjob
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION acceptance_and_job_agree();
"""

BACKWARD = """
DROP TRIGGER acceptance_and_job_agree ON erp_integrations_exportjob;
DROP TRIGGER acceptance_and_job_agree ON erp_integrations_submission;
DROP FUNCTION acceptance_and_job_agree();
"""


class Migration(migrations.Migration):
    dependencies = [("erp_integrations", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
