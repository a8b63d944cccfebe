"""From words to a plan, and the plan's tools."""
