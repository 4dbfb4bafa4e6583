"""What every test can ask for."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.servers"]

# A busy machine is slow, not wrong: no example has a deadline, and drawing one may take its time.
settings.register_profile("poniente", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("poniente")
