"""The harness: a world that replays real flights, faults that are real mutations, and a proctor that records."""
