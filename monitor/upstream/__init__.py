"""The next tier: what a higher platform asks for, in its own codes, with proof that it has it.

tier_file  what each platform wants and where it is (upstream.toml of the site)
sources    what is due behind a cursor: status, events, alarms, statistics
encode     rows of ours → its JSON by its code map
send       MQTT or HTTP, one message, and the proof that it was taken
deliveries the cursor and the proofs, in the history database
courier    one thread a platform: what is due, sent, proven, on to the next
"""
