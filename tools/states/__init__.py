"""Pictures of every state of the App's panel and forms, at three widths and in both themes, to be looked at one by one.

    python -m tools.states FOLDER [--only NAME ...] [--list]

Each state is a small function that brings one window into it (:mod:`.reading`, :mod:`.working`; :mod:`.panel` lists them; :mod:`.many` has
lists and groups, :mod:`.forms` the operators' forms); :mod:`.stage` takes its pictures, :mod:`.photos` makes what is compared. What reaches
beyond the window, scrolls sideways, or is written too faintly is noted in ``FOLDER/noted.txt``.
"""
