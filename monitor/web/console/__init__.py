"""Pages for people: rendered here, made lively by small modules of JavaScript."""
