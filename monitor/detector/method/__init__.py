"""The detector's kernels: online estimators over columns of independent series.

A kernel takes its state as arrays [k] (or [C, k], [B, k]) and returns the new state; it keeps
nothing, reads no clock and uses only + − · / and square roots, so that a replay gives the same
bits. It follows the dtype of what it is given: float32 in the product's tables.

    robust        level and spread of one number, not led by outliers
    season        what the hour and the weekday (or any period) add to the level
    cusum         small lasting shifts of a standardised residual; EWMA beside it
    change        when a shift began and how large it is
    flat          a line without noise; a jump that cannot be
    multivariate  channels that move together, judged together, each one's part named
    columns       named columns of a table read as a state and written back

For recordings (`general`), in float64 and with logarithms of the platform's C library:

    shift         a machine that left its normal state, until it is back; columns as above
    novelty       how unlike all the past a moment of one series is
    tail          how surprising a number is among all before it
    ring          when a surprise is worth a ring
    series        one series as a stream of events: novelty, tail, ring and flat together
"""
