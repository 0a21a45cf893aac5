"""What a comparison returns, and how it is stored."""
