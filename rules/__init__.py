"""The contract as code: pure functions of terms and columns; no clock, no environment, no input or output."""
