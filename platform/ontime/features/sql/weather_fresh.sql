-- The latest known observation at an origin; its event_timestamp is when it was observed.
WITH observed AS (
    SELECT DISTINCT ON (airport, available_at) airport AS key, *
    FROM weather
    ORDER BY airport, available_at, event_time DESC, event_id DESC
)
SELECT
    moments.key,
    as_of,
    wind_speed_mph,
    wind_gust_mph,
    visibility_miles,
    precipitation_inches,
    humidity_percent,
    event_time AS event_timestamp,
    available_at AS last_available_at
FROM moments
ASOF JOIN observed ON moments.key = observed.key AND moments.as_of >= observed.available_at
