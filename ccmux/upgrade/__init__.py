"""A new release of ccmux beside the old one, tried, taken up by one daemon after the other, and given up if one fails.

Claude never notices: only daemons are restarted.
"""
