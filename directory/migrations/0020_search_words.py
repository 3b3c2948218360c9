"""The words of a row as before, in a language that PostgreSQL begins sooner: an SQL function of this kind is
prepared anew by each statement that calls it, for longer than the words take.
"""

from django.db import migrations

FORWARD = """
CREATE OR REPLACE FUNCTION search_words(owner bigint, VARIADIC texts text[]) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    given text;
    words text[] := '{}';
BEGIN
    FOREACH given IN ARRAY texts LOOP
        CONTINUE WHEN given IS NULL;
        given := left(lower(given), 30000);
        words := words || regexp_split_to_array(
            given
            || ' ' || regexp_replace(given, '[^[:alnum:][:space:]]+', '', 'g')
            || ' ' || regexp_replace(
                given,
                '(?<=[[:alpha:]])(?=[[:digit:]])|(?<=[[:digit:]])(?=[[:alpha:]])|(?<![[:digit:]])0+(?=[1-9])',
                ' ', 'g'
            ),
            '[^[:alnum:]]+'
        );
    END LOOP;
    RETURN array_to_tsvector(ARRAY(
        SELECT DISTINCT owner::text || '/' || left(word, 100) FROM unnest(words) AS word WHERE word <> ''
    ));
END
$$;
"""

BACKWARD = """
CREATE OR REPLACE FUNCTION search_words(owner bigint, VARIADIC texts text[]) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN array_to_tsvector(ARRAY(
    SELECT DISTINCT owner::text || '/' || left(word, 100)
    FROM unnest(texts) AS given(whole), left(lower(whole), 30000) AS text, regexp_split_to_table(
        text
        || ' ' || regexp_replace(text, '[^[:alnum:][:space:]]+', '', 'g')
        || ' ' || regexp_replace(
            text,
            '(?<=[[:alpha:]])(?=[[:digit:]])|(?<=[[:digit:]])(?=[[:alpha:]])|(?<![[:digit:]])0+(?=[1-9])',
            ' ', 'g'
        ),
        '[^[:alnum:]]+'
    ) AS word
    WHERE word <> ''
));
"""


class Migration(migrations.Migration):
    dependencies = [("directory", "0019_invited_staff")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
