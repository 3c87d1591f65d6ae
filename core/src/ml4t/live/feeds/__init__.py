"""Feeds that come with core: the replay of a file.

`replay` is the feed, `replay_config` its settings. Behind it, from the file inwards: `tables` reads formats, `columns` finds
names, `stamps` reads times, `rows` checks rows, `recording` puts them in order of time.
"""
