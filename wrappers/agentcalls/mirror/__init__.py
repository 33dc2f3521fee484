"""A copy of agents' calls in a database of your own, kept up to date: `agentcalls sync`."""
