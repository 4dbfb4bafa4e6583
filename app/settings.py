"""Settings: from the environment (`PONIENTE_…`), nowhere else; documented in docs/settings.md."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What an installation decides."""

    model_config = SettingsConfigDict(env_prefix="PONIENTE_")

    database: str = Field(
        default="host=127.0.0.1 port=5432 user=poniente dbname=poniente",
        description="Connection string or address of the database.",
    )
    broker_host: str = Field(default="127.0.0.1", description="Host of the MQTT broker.")
    broker_port: int = Field(default=1883, ge=1, le=65_535, description="Port of the MQTT broker.")
    broker_username: str = Field(default="", description="User at the broker; empty where it asks for none.")
    broker_password: str = Field(default="", description="Password at the broker.")
    broker_version: int = Field(default=5, ge=4, le=5, description="MQTT version: 5, or 4 for MQTT 3.1.1.")
    client_id: str = Field(
        default="poniente-ingest", description="Names the worker's session at the broker; one a running worker."
    )
    window: int = Field(
        default=30_000,
        ge=1,
        le=65_535,
        description="Most messages delivered and not yet acknowledged; bounds memory.",
    )
    broker_ca_file: str = Field(
        default="", description="Certificates to trust for TLS; empty for a plain line to the broker."
    )
    broker_cert_file: str = Field(default="", description="Own certificate, where the broker asks for one.")
    broker_key_file: str = Field(default="", description="Key of the own certificate.")
    bundle_key: str = Field(default="", description="File of the private key that signs bundles.")
    sources: str = Field(
        default="", description="File that declares the sources beside native topics (docs/ingest.md)."
    )
    share: str = Field(
        default="", description="Group of workers that share the messages among them; empty for one worker alone."
    )
    receipts: bool = Field(default=True, description="Tell devices which of their readings are committed.")
    client: Literal["bulk", "stock"] = Field(
        default="bulk", description="How messages are read: in bulk, or one by one as paho comes."
    )
    metrics_port: int = Field(
        default=0, ge=0, le=65_535, description="Port on loopback for Prometheus metrics of the worker; 0 for none."
    )
    log_format: Literal["text", "json"] = Field(default="text", description="Log lines for people or for programs.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least level logged.")
    language: Literal["en", "es", "pt"] = Field(default="en", description="Language of sentences and tables.")
