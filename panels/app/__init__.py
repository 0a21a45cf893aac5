"""The panel in FiftyOne's App."""
