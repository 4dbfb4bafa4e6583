"""Determinations to exact money: steps in the declared order, then the statement."""
