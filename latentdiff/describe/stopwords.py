"""Words that say nothing about what an image shows."""

from __future__ import annotations

FUNCTION_WORDS = """
a about above across after again against all almost along already also although always am among an and another any anything are area
around as at away back be became because been before behind being below beside besides between beyond both but by can cannot could did
do does doing done down during each either else enough even ever every few first for from front full further get gets getting give given
go goes going got had has have having he her here hers herself him himself his how i if in inside instead into is it its itself just
last least left less let like little look looking looks lot lots made make makes making many may me might mine more most much must my
myself near nearby next no nor not nothing of off on once one ones only onto or other others our ours out outside over own part per put
puts ready right same see seen several shall she should show showing shown shows side since so some something still such take taken
takes taking than that the their theirs them themselves then there these they thing things this those three through to together too top
toward towards trying two under until up upon us use used uses using various very was way we well were what when where whether which
while who whom whose why will with within without would yet you your yours
"""
CAPTION_WORDS = """
background bunch close closeup couple foreground group image images photo photograph photos picture pictures scene view
"""
STOP_WORDS = frozenset((FUNCTION_WORDS + CAPTION_WORDS).split())
