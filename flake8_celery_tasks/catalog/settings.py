"""Celery's settings: type, default, age, the old name, and the names under which Celery looks for each.

Sources are places in Celery 5.7.0, relative to the `celery` package.
"""

from typing import NamedTuple

from . import ALWAYS, NEWEST, Version, words


class Setting(NamedTuple):
    """One setting of `app/defaults.py:NAMESPACES`. Times are in seconds."""

    name: str
    type: str
    """Celery's own word: `string`, `int`, `float`, `bool`, `dict`, `list`, `tuple`, `bytes`, `any`; not enforced."""
    default: object
    """The default in `NEWEST`; `default_of` knows older ones."""
    old: str
    """The name in Celery 3, in upper case; for many it is the new name in upper case."""
    since: Version = ALWAYS
    deprecated: Version | None = None
    """The first version whose source marks it deprecated."""
    removed: Version | None = None
    """The version announced to remove it."""
    instead: str = ""
    """What to use instead, if deprecated."""

    def exists(self, version: Version) -> bool:
        """Whether Celery `version` has it."""
        return self.since <= version and (self.removed is None or version < self.removed)


_INF = float("inf")

# name, type, default, then the old name if it is not the name in upper case ("" = it is), then since.
_TABLE: tuple[tuple[str, str, object] | tuple[str, str, object, str] | tuple[str, str, object, str, Version], ...] = (
    ("accept_content", "list", ("json",), "CELERY_ACCEPT_CONTENT"),
    ("result_accept_content", "list", None),
    ("enable_utc", "bool", True),
    ("imports", "tuple", (), "CELERY_IMPORTS"),
    ("include", "tuple", (), "CELERY_INCLUDE"),
    ("timezone", "string", None, "CELERY_TIMEZONE"),
    ("beat_enable_remote_control", "bool", False, "CELERYBEAT_ENABLE_REMOTE_CONTROL", (5, 7)),
    ("beat_remote_control_max_tick_age", "float", None, "CELERYBEAT_REMOTE_CONTROL_MAX_TICK_AGE", (5, 7)),
    ("beat_max_loop_interval", "float", 0, "CELERYBEAT_MAX_LOOP_INTERVAL"),
    ("beat_schedule", "dict", {}, "CELERYBEAT_SCHEDULE"),
    ("beat_scheduler", "string", "celery.beat:PersistentScheduler", "CELERYBEAT_SCHEDULER"),
    ("beat_schedule_filename", "string", "celerybeat-schedule", "CELERYBEAT_SCHEDULE_FILENAME"),
    ("beat_sync_every", "int", 0, "CELERYBEAT_SYNC_EVERY"),
    ("beat_cron_starting_deadline", "int", None, "CELERYBEAT_CRON_STARTING_DEADLINE", (5, 3)),
    ("broker_url", "string", None),
    ("broker_read_url", "string", None),
    ("broker_write_url", "string", None),
    ("broker_transport", "string", None),
    ("broker_transport_options", "dict", {}),
    ("broker_connection_timeout", "float", 4),
    ("broker_connection_retry", "bool", True),
    ("broker_connection_retry_on_startup", "bool", None, "", (5, 3)),
    ("broker_connection_max_retries", "int", 100),
    ("broker_channel_error_retry", "bool", False, "", (5, 3)),
    ("broker_failover_strategy", "string", None),
    ("broker_heartbeat", "int", 120),
    ("broker_heartbeat_checkrate", "int", 3.0),
    ("broker_login_method", "string", None),
    ("broker_native_delayed_delivery_queue_type", "string", "quorum", "", (5, 5)),
    ("broker_pool_limit", "int", 10),
    ("broker_pool_acquire_timeout", "float", None, "", (5, 7)),
    ("broker_use_ssl", "bool", False),
    ("broker_host", "string", None),
    ("broker_port", "int", None),
    ("broker_user", "string", None),
    ("broker_password", "string", None),
    ("broker_vhost", "string", None),
    ("cache_backend", "string", None, "CELERY_CACHE_BACKEND"),
    ("cache_backend_options", "dict", {}, "CELERY_CACHE_BACKEND_OPTIONS"),
    ("cassandra_entry_ttl", "float", None),
    ("cassandra_keyspace", "string", None),
    ("cassandra_port", "string", None),
    ("cassandra_read_consistency", "string", None),
    ("cassandra_servers", "list", None),
    ("cassandra_bundle_path", "string", None, "", (5, 3)),
    ("cassandra_table", "string", None),
    ("cassandra_write_consistency", "string", None),
    ("cassandra_auth_provider", "string", None),
    ("cassandra_auth_kwargs", "string", None),
    ("cassandra_options", "dict", {}),
    ("s3_access_key_id", "string", None),
    ("s3_secret_access_key", "string", None),
    ("s3_bucket", "string", None),
    ("s3_base_path", "string", None),
    ("s3_endpoint_url", "string", None),
    ("s3_region", "string", None),
    ("azureblockblob_container_name", "string", "celery"),
    ("azureblockblob_retry_initial_backoff_sec", "int", 2),
    ("azureblockblob_retry_increment_base", "int", 2),
    ("azureblockblob_retry_max_attempts", "int", 3),
    ("azureblockblob_base_path", "string", ""),
    ("azureblockblob_connection_timeout", "int", 20),
    ("azureblockblob_read_timeout", "int", 120),
    ("gcs_bucket", "string", None, "", (5, 4)),
    ("gcs_project", "string", None, "", (5, 4)),
    ("gcs_base_path", "string", "", "", (5, 4)),
    ("gcs_ttl", "float", 0, "", (5, 4)),
    ("control_queue_ttl", "float", 300.0),
    ("control_queue_expires", "float", 10.0),
    ("control_queue_exclusive", "bool", True, "", (5, 6)),
    ("control_queue_durable", "bool", False, "", (5, 6)),
    ("control_exchange", "string", "celery"),
    ("couchbase_backend_settings", "dict", None, "CELERY_COUCHBASE_BACKEND_SETTINGS"),
    ("arangodb_backend_settings", "dict", None, "CELERY_ARANGODB_BACKEND_SETTINGS"),
    ("mongodb_backend_settings", "dict", None, "CELERY_MONGODB_BACKEND_SETTINGS"),
    ("cosmosdbsql_database_name", "string", "celerydb"),
    ("cosmosdbsql_collection_name", "string", "celerycol"),
    ("cosmosdbsql_consistency_level", "string", "Session"),
    ("cosmosdbsql_max_retry_attempts", "int", 9),
    ("cosmosdbsql_max_retry_wait_time", "int", 30),
    ("event_queue_expires", "float", 60.0, "CELERY_EVENT_QUEUE_EXPIRES"),
    ("event_queue_ttl", "float", 5.0, "CELERY_EVENT_QUEUE_TTL"),
    ("event_queue_prefix", "string", "celeryev", "CELERY_EVENT_QUEUE_PREFIX"),
    ("event_queue_exclusive", "bool", True, "CELERY_EVENT_QUEUE_EXCLUSIVE", (5, 6)),
    ("event_queue_durable", "bool", False, "CELERY_EVENT_QUEUE_DURABLE", (5, 6)),
    ("event_serializer", "string", "json", "CELERY_EVENT_SERIALIZER"),
    ("event_exchange", "string", "celeryev", "CELERY_EVENT_EXCHANGE"),
    ("redis_backend_use_ssl", "dict", None, "CELERY_REDIS_BACKEND_USE_SSL"),
    ("redis_db", "int", None, "CELERY_REDIS_DB"),
    ("redis_host", "string", None, "CELERY_REDIS_HOST"),
    ("redis_max_connections", "int", None, "CELERY_REDIS_MAX_CONNECTIONS"),
    ("redis_username", "string", None, "CELERY_REDIS_USERNAME"),
    ("redis_password", "string", None, "CELERY_REDIS_PASSWORD"),
    ("redis_port", "int", None, "CELERY_REDIS_PORT"),
    ("redis_socket_timeout", "float", 120.0, "CELERY_REDIS_SOCKET_TIMEOUT"),
    ("redis_socket_connect_timeout", "float", None, "CELERY_REDIS_SOCKET_CONNECT_TIMEOUT"),
    ("redis_retry_on_timeout", "bool", False, "CELERY_REDIS_RETRY_ON_TIMEOUT"),
    ("redis_socket_keepalive", "bool", False, "CELERY_REDIS_SOCKET_KEEPALIVE"),
    ("result_backend", "string", None, "CELERY_RESULT_BACKEND"),
    ("result_cache_max", "int", -1, "CELERY_MAX_CACHED_RESULTS"),
    ("result_compression", "str", None, "CELERY_RESULT_COMPRESSION"),
    ("result_exchange", "string", "celeryresults", "CELERY_RESULT_EXCHANGE"),
    ("result_exchange_type", "string", "direct", "CELERY_RESULT_EXCHANGE_TYPE"),
    ("result_expires", "float", 86400, "CELERY_TASK_RESULT_EXPIRES"),
    ("result_chord_expires", "float", None, "CELERY_RESULT_CHORD_EXPIRES", (5, 7)),
    ("result_failure_expires", "float", None, "CELERY_RESULT_FAILURE_EXPIRES", (5, 7)),
    ("result_persistent", "bool", None, "CELERY_RESULT_PERSISTENT"),
    ("result_extended", "bool", False, "CELERY_RESULT_EXTENDED"),
    ("result_serializer", "string", "json", "CELERY_RESULT_SERIALIZER"),
    ("result_backend_transport_options", "dict", {}, "CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS"),
    ("result_chord_retry_interval", "float", 1.0, "CELERY_RESULT_CHORD_RETRY_INTERVAL"),
    ("result_chord_join_timeout", "float", 3.0, "CELERY_RESULT_CHORD_JOIN_TIMEOUT"),
    ("result_backend_max_sleep_between_retries_ms", "int", 10000, "CELERY_RESULT_BACKEND_MAX_SLEEP_BETWEEN_RETRIES_MS"),
    ("result_backend_max_retries", "float", _INF, "CELERY_RESULT_BACKEND_MAX_RETRIES"),
    ("result_backend_base_sleep_between_retries_ms", "int", 10, "CELERY_RESULT_BACKEND_BASE_SLEEP_BETWEEN_RETRIES_MS"),
    ("result_backend_always_retry", "bool", False, "CELERY_RESULT_BACKEND_ALWAYS_RETRY"),
    ("elasticsearch_retry_on_timeout", "bool", None, "CELERY_ELASTICSEARCH_RETRY_ON_TIMEOUT"),
    ("elasticsearch_max_retries", "int", None, "CELERY_ELASTICSEARCH_MAX_RETRIES"),
    ("elasticsearch_timeout", "float", None, "CELERY_ELASTICSEARCH_TIMEOUT"),
    ("elasticsearch_save_meta_as_text", "bool", True, "CELERY_ELASTICSEARCH_SAVE_META_AS_TEXT"),
    ("security_certificate", "string", None, "CELERY_SECURITY_CERTIFICATE"),
    ("security_cert_store", "string", None, "CELERY_SECURITY_CERT_STORE"),
    ("security_key", "string", None, "CELERY_SECURITY_KEY"),
    ("security_key_password", "bytes", None, "CELERY_SECURITY_KEY_PASSWORD", (5, 3)),
    ("security_digest", "string", "sha256", "CELERY_SECURITY_DIGEST"),
    ("database_url", "string", None, "CELERY_RESULT_DBURI"),
    ("database_engine_options", "dict", {"pool_pre_ping": True, "pool_recycle": 3600}, "CELERY_RESULT_ENGINE_OPTIONS"),
    ("database_engine_callback", "any", None, "", (5, 7)),
    ("database_short_lived_sessions", "bool", False, "CELERY_RESULT_DB_SHORT_LIVED_SESSIONS"),
    ("database_table_schemas", "dict", None),
    ("database_table_names", "dict", None, "CELERY_RESULT_DB_TABLENAMES"),
    ("database_create_tables_at_setup", "bool", True, "", (5, 5)),
    ("task_acks_late", "bool", False, "CELERY_ACKS_LATE"),
    ("task_acks_on_failure_or_timeout", "bool", True, "CELERY_ACKS_ON_FAILURE_OR_TIMEOUT"),
    ("task_acks_on_failure", "bool", None, "CELERY_ACKS_ON_FAILURE", (5, 7)),
    ("task_acks_on_timeout", "bool", None, "CELERY_ACKS_ON_TIMEOUT", (5, 7)),
    ("task_always_eager", "bool", False, "CELERY_ALWAYS_EAGER"),
    ("task_annotations", "any", None, "CELERY_ANNOTATIONS"),
    ("task_compression", "string", None, "CELERY_MESSAGE_COMPRESSION"),
    ("task_create_missing_queues", "bool", True, "CELERY_CREATE_MISSING_QUEUES"),
    ("task_create_missing_queue_type", "string", "classic", "CELERY_CREATE_MISSING_QUEUE_TYPE", (5, 6)),
    ("task_create_missing_queue_exchange_type", "string", None, "CELERY_CREATE_MISSING_QUEUE_EXCHANGE_TYPE", (5, 6)),
    ("task_inherit_parent_priority", "bool", False, "CELERY_INHERIT_PARENT_PRIORITY"),
    ("task_default_delivery_mode", "string", 2, "CELERY_DEFAULT_DELIVERY_MODE"),
    ("task_default_queue", "string", "celery", "CELERY_DEFAULT_QUEUE"),
    ("task_default_queue_type", "string", "classic", "CELERY_DEFAULT_QUEUE_TYPE", (5, 5)),
    ("task_default_exchange", "string", None, "CELERY_DEFAULT_EXCHANGE"),
    ("task_default_exchange_type", "string", "direct", "CELERY_DEFAULT_EXCHANGE_TYPE"),
    ("task_default_routing_key", "string", None, "CELERY_DEFAULT_ROUTING_KEY"),
    ("task_default_rate_limit", "string", None, "CELERY_DEFAULT_RATE_LIMIT"),
    ("task_default_priority", "string", None, "CELERY_DEFAULT_PRIORITY"),
    ("task_eager_propagates", "bool", False, "CELERY_EAGER_PROPAGATES_EXCEPTIONS"),
    ("task_ignore_result", "bool", False, "CELERY_IGNORE_RESULT"),
    ("task_store_eager_result", "bool", False, "CELERY_STORE_EAGER_RESULT"),
    ("task_protocol", "int", 2, "CELERY_TASK_PROTOCOL"),
    ("task_publish_retry", "bool", True, "CELERY_TASK_PUBLISH_RETRY"),
    (
        "task_publish_retry_policy",
        "dict",
        {"max_retries": 3, "interval_start": 0, "interval_max": 1, "interval_step": 0.2},
        "CELERY_TASK_PUBLISH_RETRY_POLICY",
    ),
    ("task_queues", "dict", None, "CELERY_QUEUES"),
    ("task_queue_max_priority", "int", None, "CELERY_QUEUE_MAX_PRIORITY"),
    ("task_reject_on_worker_lost", "bool", None, "CELERY_REJECT_ON_WORKER_LOST"),
    ("task_retry_on_worker_lost", "bool", False, "CELERY_RETRY_ON_WORKER_LOST", (5, 7)),
    ("task_remote_tracebacks", "bool", False, "CELERY_REMOTE_TRACEBACKS"),
    ("task_repr_maxlevels", "int", 3, "CELERY_REPR_MAXLEVELS", (5, 7)),
    ("task_routes", "any", None, "CELERY_ROUTES"),
    ("task_send_sent_event", "bool", False, "CELERY_SEND_TASK_SENT_EVENT"),
    ("task_serializer", "string", "json", "CELERY_TASK_SERIALIZER"),
    ("task_soft_time_limit", "float", None, "CELERYD_TASK_SOFT_TIME_LIMIT"),
    ("task_time_limit", "float", None, "CELERYD_TASK_TIME_LIMIT"),
    ("task_store_errors_even_if_ignored", "bool", False, "CELERY_STORE_ERRORS_EVEN_IF_IGNORED"),
    ("task_track_started", "bool", False, "CELERY_TRACK_STARTED"),
    ("task_allow_error_cb_on_chord_header", "bool", False, "CELERY_ALLOW_ERROR_CB_ON_CHORD_HEADER", (5, 3)),
    ("worker_agent", "string", None, "CELERYD_AGENT"),
    ("worker_autoscaler", "string", "celery.worker.autoscale:Autoscaler", "CELERYD_AUTOSCALER"),
    (
        "worker_cancel_long_running_tasks_on_connection_loss",
        "bool",
        False,
        "CELERYD_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS",
    ),
    ("worker_soft_shutdown_timeout", "float", 0.0, "CELERYD_SOFT_SHUTDOWN_TIMEOUT", (5, 5)),
    ("worker_enable_soft_shutdown_on_idle", "bool", False, "CELERYD_ENABLE_SOFT_SHUTDOWN_ON_IDLE", (5, 5)),
    ("worker_concurrency", "any", None, "CELERYD_CONCURRENCY"),
    ("worker_consumer", "string", "celery.worker.consumer:Consumer", "CELERYD_CONSUMER"),
    ("worker_direct", "bool", False, "CELERY_WORKER_DIRECT"),
    ("worker_disable_rate_limits", "bool", False, "CELERY_DISABLE_RATE_LIMITS"),
    ("worker_deduplicate_successful_tasks", "bool", False, "CELERYD_DEDUPLICATE_SUCCESSFUL_TASKS"),
    ("worker_enable_remote_control", "bool", True, "CELERY_ENABLE_REMOTE_CONTROL"),
    ("worker_hijack_root_logger", "bool", True, "CELERYD_HIJACK_ROOT_LOGGER"),
    ("worker_log_color", "bool", None, "CELERYD_LOG_COLOR"),
    ("worker_log_datefmt", "string", None, "CELERYD_LOG_DATEFMT", (5, 7)),
    ("worker_log_format", "string", "[%(asctime)s: %(levelname)s/%(processName)s] %(message)s", "CELERYD_LOG_FORMAT"),
    ("worker_lost_wait", "float", 10.0, "CELERYD_WORKER_LOST_WAIT"),
    ("worker_max_memory_per_child", "int", None, "CELERYD_MAX_MEMORY_PER_CHILD"),
    ("worker_max_tasks_per_child", "int", None, "CELERYD_MAX_TASKS_PER_CHILD"),
    ("worker_pool", "string", "prefork", "CELERYD_POOL"),
    ("worker_pool_putlocks", "bool", True, "CELERYD_POOL_PUTLOCKS"),
    ("worker_pool_restarts", "bool", False, "CELERYD_POOL_RESTARTS"),
    ("worker_pool_start_method", "string", "fork", "CELERYD_POOL_START_METHOD", (5, 7)),
    ("worker_proc_alive_timeout", "float", 4.0, "CELERYD_PROC_ALIVE_TIMEOUT"),
    ("worker_prefetch_multiplier", "int", 4, "CELERYD_PREFETCH_MULTIPLIER"),
    ("worker_eta_task_limit", "int", None, "CELERYD_ETA_TASK_LIMIT", (5, 6)),
    ("worker_enable_prefetch_count_reduction", "bool", True, "CELERYD_ENABLE_PREFETCH_COUNT_REDUCTION", (5, 4)),
    ("worker_disable_prefetch", "bool", False, "CELERYD_DISABLE_PREFETCH", (5, 6)),
    ("worker_redirect_stdouts", "bool", True, "CELERY_REDIRECT_STDOUTS"),
    ("worker_redirect_stdouts_level", "string", "WARNING", "CELERY_REDIRECT_STDOUTS_LEVEL"),
    ("worker_send_task_events", "bool", False, "CELERY_SEND_EVENTS"),
    ("worker_state_db", "string", None, "CELERYD_STATE_DB"),
    ("worker_task_log_datefmt", "string", None, "CELERYD_TASK_LOG_DATEFMT", (5, 7)),
    (
        "worker_task_log_format",
        "string",
        "[%(asctime)s: %(levelname)s/%(processName)s] %(task_name)s[%(task_id)s]: %(message)s",
        "CELERYD_TASK_LOG_FORMAT",
    ),
    ("worker_timer", "string", None, "CELERYD_TIMER"),
    ("worker_timer_precision", "float", 1.0, "CELERYD_TIMER_PRECISION"),
    ("worker_detect_quorum_queues", "bool", True, "CELERYD_DETECT_QUORUM_QUEUES", (5, 5)),
)

_DEPRECATED: dict[str, tuple[Version, Version, str]] = {
    "task_acks_on_failure_or_timeout": ((5, 7), (7, 0), "task_acks_on_failure and task_acks_on_timeout"),
}


def _record(name: str, type_: str, default: object, old: str = "", since: Version = ALWAYS) -> Setting:
    if name in _DEPRECATED:
        return Setting(name, type_, default, old or name.upper(), since, *_DEPRECATED[name])
    return Setting(name, type_, default, old or name.upper(), since)


SETTINGS: dict[str, Setting] = {row[0]: _record(*row) for row in _TABLE}
"""Every setting by its name, in catalogue order."""

OLD_TO_NEW: dict[str, str] = {record.old: record.name for record in SETTINGS.values()}
"""Old name -> name; one to one. Old names are announced to be removed in Celery 6.0."""

OLD_NAMES_UNDER_NAMESPACE: Version = (5, 7)
"""The first version that finds old names even if a namespace is set (`utils/collections.py:ConfigurationView`)."""

EXTRA = words(
    "dynamodb_endpoint_url firestore_project gcs_threadpool_maxsize override_backends "
    "redis_backend_credential_provider redis_backend_health_check_interval redis_client_name result_backend_thread_safe"
)
"""Names that Celery reads with `conf.get` and that `app/defaults.py` does not list."""

FOREIGN_PREFIXES: tuple[str, ...] = ("django_celery_", "flower_", "once", "redbeat_", "singleton_")
"""Prefixes of names that known extensions read from Celery's configuration, in lower case.

django-celery-beat and -results, Flower, celery-once, celery-redbeat, celery-singleton.
"""

APP_ARGUMENTS = words(
    "amqp autofinalize backend broker changes config_source config_source_silent control events fixups include loader "
    "log main namespace set_as_current strict_typing task_cls tasks"
)
"""Parameters of `Celery(...)` (`app/base.py`); any other keyword is treated as a setting."""

EARLIER_DEFAULTS: dict[str, tuple[Version, object]] = {
    "control_queue_exclusive": ((5, 7), False),
    "database_engine_options": ((5, 6, 3), None),
    "event_queue_exclusive": ((5, 7), False),
}
"""Name -> the version that changed the default, and the default before it."""


def default_of(name: str, version: Version = NEWEST) -> object:
    """Return the default of the setting `name` in Celery `version`."""
    changed = EARLIER_DEFAULTS.get(name)
    if changed is not None and version < changed[0]:
        return changed[1]
    return SETTINGS[name].default


def prefix_of(namespace: str | None) -> str:
    """Return the prefix that Celery adds to each name: `CELERY_` for `CELERY` and `CELERY_`, empty for none."""
    return namespace.rstrip("_") + "_" if namespace else ""


def lookup_keys(name: str, namespace: str | None = None, version: Version = NEWEST) -> tuple[str, ...]:
    """Return the keys under which Celery looks for the setting `name`, first match first.

    A namespace that is not all upper case is searched in lower case (`CELERY_TASK_ACKS_LATE` is not found for
    `namespace="celery"`). The bare new name is also found under a namespace. Without one, old and new names must not be
    mixed in one configuration (`app/utils.py:detect_settings`).
    """
    old = SETTINGS[name].old
    prefix = prefix_of(namespace)
    if not prefix:
        return name, old
    key = prefix + name
    key = key.upper() if prefix.isupper() else key.lower()
    return (key, name, old) if version >= OLD_NAMES_UNDER_NAMESPACE else (key, name)


def setting_of(key: str, namespace: str | None = None, version: Version = NEWEST) -> str | None:
    """Return the name of the setting that Celery reads from `key`; None if it doesn't read the key."""
    for name in (key, OLD_TO_NEW.get(key, ""), key[len(prefix_of(namespace)) :].lower()):
        if name in SETTINGS and key in lookup_keys(name, namespace, version):
            return name
    return None
