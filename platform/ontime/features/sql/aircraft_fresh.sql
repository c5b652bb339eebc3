-- An aircraft's latest known arrival, when it is not older than 48 hours.
WITH landed AS (
    SELECT
        tail_number AS key,
        available_at,
        max(event_time) AS aircraft_prev_arrived_at,
        arg_max(arr_delay_minutes, (event_time, event_id)) AS aircraft_prev_arr_delay
    FROM arrivals
    WHERE tail_number IS NOT NULL
    GROUP BY ALL
)
SELECT
    moments.key,
    as_of,
    aircraft_prev_arr_delay,
    aircraft_prev_arrived_at,
    as_of AS event_timestamp,
    available_at AS last_available_at
FROM moments
ASOF JOIN landed ON moments.key = landed.key AND moments.as_of >= landed.available_at
WHERE available_at >= as_of - INTERVAL 48 HOUR
