"""The scorecard: made from an interview's facts alone, in HTML, JSON and Markdown, and checkable against its ledger."""
