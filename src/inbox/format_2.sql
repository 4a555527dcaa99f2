-- Whether OpenRouter delivered a trace, so that the application may report the same requests.
ALTER TABLE traces ADD COLUMN is_delivery INTEGER NOT NULL DEFAULT 0;
