-- How late a carrier has been leaving New York.
WITH stream AS (
    SELECT carrier AS key, available_at AS time, available_at, dep_delay_minutes FROM departures
    UNION ALL BY NAME
    SELECT key, as_of AS time, TRUE AS asked FROM moments
)
SELECT
    key,
    time AS as_of,
    avg(dep_delay_minutes) OVER three_hours AS carrier_dep_delay_mean_3h,
    time AS event_timestamp,
    max(available_at) OVER three_hours AS last_available_at
FROM stream
WINDOW three_hours AS (PARTITION BY key ORDER BY time RANGE BETWEEN INTERVAL 3 HOUR PRECEDING AND CURRENT ROW)
QUALIFY asked
