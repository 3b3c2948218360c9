"""A line says in which project it waits to be exported; triggers keep that, whatever process writes.

Two functions list what such lines name, each once: they step through an index of 0008 from one value to the next,
and read a row for each. 0008 fills the column too, while others work on.
"""

from django.db import migrations, models

FORWARD = """
CREATE FUNCTION line_says_where_it_waits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.unexported_in := (
        SELECT project_id FROM commitments_commitment WHERE id = NEW.commitment_id AND lock <> 'exported'
    );
    RETURN NEW;
END
$$;

CREATE TRIGGER line_says_where_it_waits
    BEFORE INSERT OR UPDATE ON commitments_lineitem
    FOR EACH ROW EXECUTE FUNCTION line_says_where_it_waits();

CREATE FUNCTION lines_follow_their_commitment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE commitments_lineitem SET unexported_in = NULL WHERE commitment_id = NEW.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER lines_follow_their_commitment
    AFTER UPDATE OF lock, project_id ON commitments_commitment
    FOR EACH ROW
    WHEN ((OLD.lock = 'exported', OLD.project_id) IS DISTINCT FROM (NEW.lock = 'exported', NEW.project_id))
    EXECUTE FUNCTION lines_follow_their_commitment();

CREATE FUNCTION list_unexported_codes(projects bigint[])
RETURNS TABLE (
    unexported_in bigint, id bigint, code varchar, name varchar, cost_type_id bigint, cost_type varchar
) LANGUAGE sql STABLE AS $$
    WITH RECURSIVE named AS (
        SELECT project, 0::bigint AS code, 0::bigint AS type FROM unnest(projects) AS project
        UNION ALL
        SELECT project, line.* FROM named, LATERAL (
            SELECT cost_code_id, cost_type_id FROM commitments_lineitem
            WHERE unexported_in = project AND (cost_code_id, cost_type_id) > (named.code, named.type)
            ORDER BY cost_code_id, cost_type_id LIMIT 1
        ) AS line
    )
    SELECT project, code.id, code.code, code.name, type.id, type.code
    FROM named
        JOIN commitments_costcode AS code ON code.id = named.code
        JOIN commitments_costtype AS type ON type.id = named.type
    ORDER BY code.code, type.code
$$;

CREATE FUNCTION list_unexported_units(projects bigint[]) RETURNS SETOF varchar LANGUAGE sql STABLE AS $$
    WITH RECURSIVE named AS (
        SELECT project, ''::varchar AS unit FROM unnest(projects) AS project
        UNION ALL
        SELECT project, line.* FROM named, LATERAL (
            SELECT unit_of_measure FROM commitments_lineitem
            WHERE unexported_in = project AND unit_of_measure > unit
            ORDER BY unit_of_measure LIMIT 1
        ) AS line
    )
    SELECT DISTINCT unit FROM named WHERE unit > ''
$$;
"""

BACKWARD = """
DROP FUNCTION list_unexported_units(bigint[]);
DROP FUNCTION list_unexported_codes(bigint[]);
DROP TRIGGER lines_follow_their_commitment ON commitments_commitment;
DROP FUNCTION lines_follow_their_commitment();
DROP TRIGGER line_says_where_it_waits ON commitments_lineitem;
DROP FUNCTION line_says_where_it_waits();
"""


class Migration(migrations.Migration):
    dependencies = [("commitments", "0006_search")]

    operations = [
        migrations.AddField(
            model_name="lineitem",
            name="unexported_in",
            field=models.BigIntegerField(editable=False, null=True),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
