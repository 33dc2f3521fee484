"""Side-by-side measurements of agentcalls, the client it wraps and its peers; `make bench` runs them."""
