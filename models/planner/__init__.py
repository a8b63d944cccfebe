"""Planner backends."""
