"""The verdict on a VNFM: what it did in a maintenance, judged rule by rule from the journal of the run.

``judge`` is a pure function of journals: it can be asked again about a journal that was kept.
"""
