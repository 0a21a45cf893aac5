"""A watch over a stream of images that may be looked at as often as one likes."""
