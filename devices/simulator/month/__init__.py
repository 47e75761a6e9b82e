"""A month of a whole district as closed formulas: labelled, seeded, and fast.

The step simulator beside it moves every car by small steps; here a lift's day is a row of
segments (standing, running, a door moving), each a formula of time, and only what a device would
send is worked out. One term of its own: a segment, a span of one lift's time under one formula.
"""
