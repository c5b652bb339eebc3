"""The prediction service: request → features → model → answer, with fallback, shadow and a log of every prediction."""
