"""What a word of a searched row is, and what a typed one finds.

They use nothing but pg_catalog, and PostgreSQL's own parser never sees the text: SC-0012 is kept as sc and
0012, as 12, and as sc0012; it is found by the beginning of any of them, with or without its dash. What is
longer than 30,000 characters is searched so far, and no word has more than 100.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION search_words(owner bigint, VARIADIC texts text[]) RETURNS tsvector
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

-- Each word is the beginning of one of an owner's; without a letter and a digit everything is found.
CREATE FUNCTION search_query(owners bigint[], typed text) RETURNS tsquery
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT coalesce(string_agg('(' || coalesce((
        SELECT string_agg('''' || owner::text || '/' || left(word, 100) || ''':*', '|')
        FROM unnest(owners) AS owner
    ), '''/''') || ')', '&'), '!''/''')::tsquery
    FROM regexp_split_to_table(lower(typed), '[^[:alnum:]]+') AS word
    WHERE word <> ''
);
"""

BACKWARD = """
DROP FUNCTION search_query(bigint[], text);
DROP FUNCTION search_words(bigint, text[]);
"""


class Migration(migrations.Migration):
    dependencies = [("directory", "0001_squashed_0010_column_defaults")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
