-- What the definitions share.
CREATE MACRO late_after() AS 15.0;
CREATE MACRO pseudo_flights() AS 20.0;
CREATE MACRO prior_late_rate() AS 0.23;
CREATE MACRO local_day(moment) AS
    datediff('day', DATE '1970-01-01', timezone('America/New_York', timezone('UTC', moment))::DATE);
