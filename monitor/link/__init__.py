"""Link quality as data: delay, gaps, repeats, order, clocks, refusals, by gateway and vendor."""
