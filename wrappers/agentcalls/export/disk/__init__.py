"""The files of exports and reports: each is this user's alone, and complete or absent."""
