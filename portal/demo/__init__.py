"""Demonstration content: people, a team, models and scripts. What it says is in the TOML files, its bytes in files/."""
