//! The page about migrating says of each item of AllFrame what became of it.

const PAGE: &str = include_str!("../../../../docs/migrating-from-allframe.md");

/// What `allframe_core::cqrs` 0.1.28 has in public under its own name or as a feature, and the macros for it in
/// `allframe_macros`: each with what it has in public itself.
const ITEMS: &[(&str, &str)] = &[
    ("cqrs", ""),
    ("cqrs-allsource", ""),
    ("cqrs-postgres", ""),
    ("cqrs-rocksdb", ""),
    ("cqrs-sqlite", ""),
    ("offline", ""),
    ("vector-search", ""),
    ("keyword-search", ""),
    ("Event", ""),
    ("EventTypeName", "event_type_name"),
    ("Aggregate", "Event apply_event"),
    ("Projection", "Event apply"),
    ("Snapshot", "aggregate version create into_aggregate"),
    (
        "EventStore",
        "new with_backend backend append get_events get_events_after get_all_events subscribe Default Clone",
    ),
    (
        "EventStoreBackend",
        "append get_events get_all_events get_events_after save_snapshot get_latest_snapshot flush stats",
    ),
    ("BackendStats", "total_events total_aggregates total_snapshots backend_specific Default"),
    ("InMemoryBackend", "new Default Clone"),
    (
        "AllSourceBackend",
        "new with_config production exactly_once schema_registry pipeline_manager default Clone",
    ),
    ("AllSourceConfig", "enable_persistence enable_wal persistence_path wal_path default"),
    ("ExactlyOnceRegistry", ""),
    ("PipelineManager", ""),
    ("SchemaRegistry", ""),
    ("SqliteEventStoreBackend", "new Clone"),
    ("VersionedEvent", "version event_type"),
    ("Upcaster", "upcast"),
    ("AutoUpcaster", "new Default"),
    ("MigrationPath", "from_version to_version event_type new"),
    (
        "VersionRegistry",
        "new register_upcaster register_migration get_migrations get_migrations_for has_upcaster upcaster_count \
         migration_count Default Clone",
    ),
    ("ProjectionPosition", "version updated_at initial advance"),
    ("ProjectionMetadata", "name position rebuilding"),
    (
        "ProjectionRegistry",
        "new register get rebuild rebuild_all get_metadata get_all_metadata start_subscription count Clone",
    ),
    ("Command", ""),
    ("CommandHandler", "handle"),
    ("CommandResult", ""),
    ("ValidationError", "field message code new with_code"),
    ("CommandError", "Validation BusinessLogic NotFound AlreadyExecuted Internal"),
    ("CommandBus", "new register dispatch dispatch_idempotent handlers_count Default Clone"),
    ("Query", ""),
    ("QueryHandler", "handle"),
    ("QueryResult", ""),
    ("QueryError", "NotFound Internal"),
    ("QueryBus", "new register dispatch handlers_count Default Clone"),
    ("OrchestratorSagaStep", "execute compensate name timeout_duration"),
    ("SagaDefinition", "new add_step id status metadata with_compensation with_snapshot_dir"),
    ("SagaStatus", "NotStarted Executing Completed Compensated Failed"),
    ("SagaMetadata", "id status steps_executed total_steps updated_at"),
    (
        "SagaOrchestrator",
        "new execute get_saga get_running_sagas get_history running_count history_count Default Clone",
    ),
    ("SagaResult", ""),
    ("saga_orchestrator::SagaError", "StepFailed CompensationFailed Timeout InvalidStep AlreadyExecuting"),
    ("CompensationStrategy", "LocalRollback"),
    ("Saga", "saga_type steps initial_data user_id"),
    ("MacroSagaStep", "execute compensate name timeout_seconds requires_compensation"),
    (
        "SagaContext",
        "saga_id step_outputs metadata new set_step_output get_step_output set_metadata get_metadata",
    ),
    ("StepExecutionResult", "Success Failure success success_with_output failure is_success output error"),
    ("CompensationResult", "Success Failure NotNeeded success failure not_needed is_success is_not_needed"),
    ("StepOutput", "from_context"),
    (
        "SagaError",
        "StepOutputNotFound StepOutputParse StepExecutionFailed CompensationFailed SagaNotFound InvalidState From",
    ),
    ("MacroSagaOrchestrator", "new execute Default"),
    ("FileSnapshot", "path content capture restore"),
    ("WriteFileStep", "path content new"),
    ("SqliteSavepoint", "create rollback"),
    ("SyncCursor", "local_version remote_version"),
    ("SyncReport", "pushed pulled conflicts"),
    ("ConflictResolver", "resolve"),
    ("LastWriteWins", ""),
    ("AppendOnly", ""),
    ("Manual", "new"),
    ("SyncEngine", "new with_resolver sync resolve_conflicts"),
    ("#[event]", ""),
    ("#[command]", ""),
    ("#[query]", ""),
    ("#[command_handler]", ""),
    ("#[query_handler]", ""),
    ("#[saga]", "saga_data inject name data_field new"),
    (
        "#[saga_step]",
        "name timeout_seconds requires_compensation inject STEP_NAME STEP_TIMEOUT STEP_REQUIRES_COMPENSATION \
         Debug",
    ),
    ("#[saga_workflow]", "workflow_steps create_*_step"),
    ("#[derive(StepOutput)]", "From"),
    ("extract_output!", ""),
];

#[test]
fn the_page_about_migrating_says_what_became_of_every_item_of_allframe() {
    let rows: Vec<Row<'_>> = PAGE.lines().filter_map(Row::of).collect();
    let mut missing = Vec::new();
    for (item, members) in ITEMS {
        let of_item: Vec<_> = rows.iter().filter(|row| row.names(item)).collect();
        if of_item.is_empty() {
            missing.push((*item).to_owned());
        }
        let members = members.split_whitespace();
        let unsaid = members.filter(|member| !of_item.iter().any(|row| row.names(member)));
        missing.extend(unsaid.map(|member| format!("{item}::{member}")));
    }
    assert!(missing.is_empty(), "the page says nothing of {missing:#?}");
}

#[cfg(feature = "wal")]
#[tokio::test]
async fn the_page_about_migrating_names_what_a_directory_says_of_itself() {
    use allframe_cqrs::{EventStoreBackend, WalBackend};

    let directory = tempfile::tempdir().unwrap();
    let stats = WalBackend::production(directory.path()).unwrap().stats().await.unwrap();
    let said = stats.backend_specific();
    let row = PAGE.lines().find(|line| line.starts_with("| `BackendStats::backend_specific`")).unwrap();
    let words = said.keys().map(String::as_str).chain([said["backend_type"].as_str()]);
    let missing: Vec<&str> = words.filter(|word| !row.contains(&format!("`{word}`"))).collect();
    assert!(missing.is_empty(), "{row} says nothing of {missing:?}");
}

/// The first column of a row of a table: what AllFrame has.
struct Row<'a>(&'a str);

impl<'a> Row<'a> {
    fn of(line: &'a str) -> Option<Self> {
        line.strip_prefix("| ")?.split(" | ").next().map(Self)
    }

    /// Whether the name stands there as code, and not as a part of a longer one.
    fn names(&self, name: &str) -> bool {
        let is_part = |it: char| it.is_alphanumeric() || it == '_' || it == '-';
        let mut code = self.0.split('`').skip(1).step_by(2);
        if name.contains(|it: char| !is_part(it)) {
            return code.any(|code| code.contains(name));
        }
        code.any(|code| code.split(|it: char| !is_part(it)).any(|word| word == name))
    }
}
