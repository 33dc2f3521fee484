"""The report: numbers gathered call by call, charts made with Altair, and the one page that holds both."""
