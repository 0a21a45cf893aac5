"""Arrays, sparse codes, files and threads: what every room stands on, and none of the field's ideas."""
