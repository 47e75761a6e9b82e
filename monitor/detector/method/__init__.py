"""The detector's kernels: online estimators over columns of independent series.

Every kernel takes its state as arrays [k] (or [C, k], [B, k]) and returns the new state; nothing is
kept here, no clock is read, and only + − · / and square roots are used, so that a replay gives
the same bits. They follow the dtype of what they are given: float32 in the product's tables,
float64 where one long series is judged (`general`).

    robust        level and spread of one number, not led by outliers
    season        what the hour and the weekday (or any period) add to the level
    cusum         small lasting shifts of a standardised residual; EWMA beside it
    change        when a shift began and how large it is
    flat          a line without noise; a jump that cannot be
    multivariate  channels that move together, judged together, each one's part named
    columns       named columns of a table read as a state and written back
"""
