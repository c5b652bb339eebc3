-- What an origin has been like lately: delays, cancellations, and how many flights wait or are about to leave.
-- A window of h hours is [as_of - h, as_of] on available_at.
WITH stream AS (
    SELECT origin AS key, available_at AS time, available_at, dep_delay_minutes FROM departures
    UNION ALL BY NAME
    SELECT origin AS key, available_at AS time, available_at, taxi_minutes FROM arrivals
    UNION ALL BY NAME
    SELECT origin AS key, available_at AS time, available_at, TRUE AS cancelled FROM cancellations
    WHERE outcome = 'cancelled'
    UNION ALL BY NAME
    SELECT key, as_of AS time, TRUE AS asked FROM moments
),
lately AS (
    SELECT
        key,
        time AS as_of,
        avg(dep_delay_minutes) OVER one_hour AS origin_dep_delay_mean_1h,
        avg(dep_delay_minutes) OVER three_hours AS origin_dep_delay_mean_3h,
        avg((dep_delay_minutes > late_after())::DOUBLE) OVER one_hour AS origin_late_share_1h,
        count(dep_delay_minutes) OVER one_hour AS origin_departures_1h,
        count(cancelled) OVER six_hours AS origin_cancellations_6h,
        avg(taxi_minutes) OVER three_hours AS origin_taxi_mean_3h,
        max(available_at) OVER six_hours AS last_available_at
    FROM stream
    WINDOW
        one_hour AS (PARTITION BY key ORDER BY time RANGE BETWEEN INTERVAL 1 HOUR PRECEDING AND CURRENT ROW),
        three_hours AS (PARTITION BY key ORDER BY time RANGE BETWEEN INTERVAL 3 HOUR PRECEDING AND CURRENT ROW),
        six_hours AS (PARTITION BY key ORDER BY time RANGE BETWEEN INTERVAL 6 HOUR PRECEDING AND CURRENT ROW)
    QUALIFY asked
),
-- Congestion counts flights that are in a state at as_of, so each flight adds one when it enters and takes one
-- when it leaves. Nothing that becomes known after as_of can change the sum up to as_of.
gone AS (
    SELECT flight_id, min(available_at) AS available_at
    FROM (SELECT flight_id, available_at FROM departures UNION ALL SELECT flight_id, available_at FROM cancellations)
    GROUP BY flight_id
),
stays AS (
    SELECT
        'queue' AS state,
        origin AS key,
        greatest(sched_dep_at, schedules.available_at) AS enters,
        least(sched_dep_at + INTERVAL 2 HOUR + INTERVAL 1 MICROSECOND, gone.available_at) AS leaves,
        schedules.available_at AS known_in,
        CASE WHEN gone.available_at <= leaves THEN gone.available_at ELSE known_in END AS known_out
    FROM schedules
    LEFT JOIN gone ON gone.flight_id = schedules.flight_id
    UNION ALL
    SELECT
        'next' AS state,
        origin AS key,
        greatest(sched_dep_at - INTERVAL 2 HOUR, available_at) AS enters,
        sched_dep_at AS leaves,
        available_at AS known_in,
        available_at AS known_out
    FROM schedules
),
changes AS (
    SELECT key, enters AS time, state, 1 AS change, known_in AS available_at FROM stays WHERE enters < leaves
    UNION ALL
    SELECT key, leaves AS time, state, -1 AS change, known_out AS available_at FROM stays WHERE enters < leaves
    UNION ALL BY NAME
    SELECT key, as_of AS time, TRUE AS asked FROM moments
),
congestion AS (
    SELECT
        key,
        time AS as_of,
        coalesce(sum(change) FILTER (state = 'queue') OVER so_far, 0) AS origin_queue,
        coalesce(sum(change) FILTER (state = 'next') OVER so_far, 0) AS origin_scheduled_next_2h,
        max(available_at) OVER so_far AS last_available_at
    FROM changes
    WINDOW so_far AS (PARTITION BY key ORDER BY time)
    QUALIFY asked
)
SELECT
    lately.* EXCLUDE (last_available_at),
    origin_queue,
    origin_scheduled_next_2h,
    as_of AS event_timestamp,
    greatest(lately.last_available_at, congestion.last_available_at) AS last_available_at
FROM lately
JOIN congestion USING (key, as_of)
