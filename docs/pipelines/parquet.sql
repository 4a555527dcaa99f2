-- Views of the Parquet files in the folder `events`, which stay where they are.
CREATE OR REPLACE VIEW llm_events AS
SELECT
    CAST(uuid AS UUID) AS uuid,
    event,
    distinct_id,
    timestamp,
    CAST(properties AS JSON) AS properties,
    day
FROM read_parquet('events/*/*.parquet', hive_partitioning = true);

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
