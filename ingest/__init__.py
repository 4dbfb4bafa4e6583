"""Broker to database, at least once; the only package that speaks MQTT."""
