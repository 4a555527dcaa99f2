-- Takes events from standard input into a DuckDB file. Run it as often as you like: an event
-- keeps its uuid, and the newest version of it stays.
CREATE TABLE IF NOT EXISTS llm_events (
    uuid        UUID PRIMARY KEY,
    event       VARCHAR NOT NULL,
    distinct_id VARCHAR NOT NULL,
    timestamp   TIMESTAMPTZ NOT NULL,
    properties  JSON NOT NULL
);

INSERT OR REPLACE INTO llm_events
SELECT uuid, event, distinct_id, timestamp, properties
FROM read_json(
    '/dev/stdin',
    format = 'newline_delimited',
    maximum_object_size = 16777216,
    columns = {
        uuid: 'UUID',
        event: 'VARCHAR',
        distinct_id: 'VARCHAR',
        timestamp: 'TIMESTAMPTZ',
        properties: 'JSON'
    }
);

CREATE OR REPLACE VIEW tokens_by_model AS
SELECT
    properties ->> '$."$ai_model"' AS model,
    count(*) AS calls,
    sum(CAST(properties ->> '$."$ai_input_tokens"' AS BIGINT)) AS input,
    sum(CAST(properties ->> '$."$ai_output_tokens"' AS BIGINT)) AS output
FROM llm_events
WHERE event = '$ai_generation'
GROUP BY ALL
ORDER BY output DESC;
