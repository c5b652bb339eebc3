-- How late flights from New York have been arriving at a destination.
WITH stream AS (
    SELECT destination AS key, available_at AS time, available_at, arr_delay_minutes FROM arrivals
    UNION ALL BY NAME
    SELECT key, as_of AS time, TRUE AS asked FROM moments
)
SELECT
    key,
    time AS as_of,
    avg(arr_delay_minutes) OVER six_hours AS destination_arr_delay_mean_6h,
    time AS event_timestamp,
    max(available_at) OVER six_hours AS last_available_at
FROM stream
WINDOW six_hours AS (PARTITION BY key ORDER BY time RANGE BETWEEN INTERVAL 6 HOUR PRECEDING AND CURRENT ROW)
QUALIFY asked
