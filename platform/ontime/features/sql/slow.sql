-- How late flights of a key were over the local days before as_of: one definition for every kind of key.
-- An outcome belongs to the New York day on which it became known; the day of as_of itself never counts.
-- Rates and means are smoothed with pseudo-flights: rates toward prior_late_rate(), means toward all flights.
-- A key stays known for 56 days; without flights in a window it falls back to the prior.
WITH daily AS (
    SELECT
        ${key} AS key,
        local_day(available_at) AS day,
        count(*) AS flights,
        count(*) FILTER (arr_delay_minutes > late_after()) AS late,
        sum(arr_delay_minutes) AS delay,
        max(available_at) AS available_at
    FROM outcomes
    GROUP BY ALL
),
stream AS (
    SELECT * FROM daily WHERE key IS NOT NULL
    UNION ALL BY NAME
    SELECT key, local_day(as_of) AS day, as_of FROM moments
),
counted AS (
    SELECT
        key,
        as_of,
        day,
        sum(flights) OVER known AS flights_56d,
        coalesce(sum(flights) OVER month, 0) AS flights_28d,
        coalesce(sum(flights) OVER week, 0) AS flights_7d,
        coalesce(sum(late) OVER month, 0) AS late_28d,
        coalesce(sum(late) OVER week, 0) AS late_7d,
        coalesce(sum(delay) OVER month, 0) AS delay_28d,
        max(available_at) OVER known AS last_available_at
    FROM stream
    WINDOW
        known AS (PARTITION BY key ORDER BY day RANGE BETWEEN 56 PRECEDING AND 1 PRECEDING),
        month AS (PARTITION BY key ORDER BY day RANGE BETWEEN 28 PRECEDING AND 1 PRECEDING),
        week AS (PARTITION BY key ORDER BY day RANGE BETWEEN 7 PRECEDING AND 1 PRECEDING)
    QUALIFY as_of IS NOT NULL
),
every_key AS (
    SELECT day, sum(flights) AS flights, sum(delay) AS delay FROM daily GROUP BY day
    UNION ALL BY NAME
    SELECT DISTINCT local_day(as_of) AS day, TRUE AS asked FROM moments
),
overall AS (
    SELECT day, coalesce(sum(delay) OVER month / sum(flights) OVER month, 0) AS mean_delay
    FROM every_key
    WINDOW month AS (ORDER BY day RANGE BETWEEN 28 PRECEDING AND 1 PRECEDING)
    QUALIFY asked
)
SELECT
    key,
    as_of,
    (late_28d + pseudo_flights() * prior_late_rate()) / (flights_28d + pseudo_flights()) AS late_rate_28d,
    (late_7d + pseudo_flights() * prior_late_rate()) / (flights_7d + pseudo_flights()) AS late_rate_7d,
    (delay_28d + pseudo_flights() * mean_delay) / (flights_28d + pseudo_flights()) AS mean_delay_28d,
    flights_28d,
    as_of AS event_timestamp,
    last_available_at
FROM counted
JOIN overall USING (day)
WHERE flights_56d > 0
