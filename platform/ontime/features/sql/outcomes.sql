-- Landed flights with the keys that slow features are kept by.
CREATE VIEW outcomes AS
SELECT arrivals.*, arrivals.origin || '-' || arrivals.destination AS route, origin_hour
FROM arrivals
LEFT JOIN schedules USING (flight_id);
