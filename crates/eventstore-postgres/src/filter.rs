//! What passes a filter, as a statement: its text follows the shape of the filter, and every name in it is an argument.

use eventstore_api::{Criterion, Direction, ReadAll};
use tokio_postgres::types::ToSql;

use crate::{
    SchemaName,
    columns::{EVENT, signed},
    statements::{bounded, is_within, named},
};

/// How many events are looked at for a page where an index lists what may pass: enough that it is mostly full.
const LISTED: (usize, usize) = (256, 65_536);
/// How many where none does.
const UNLISTED: usize = 65_536;

/// A statement that reads a page, and its arguments.
///
/// Its rows begin with the columns of an event, which are NULL where none passes; then come how far was looked at, and
/// whether there is more to look at.
pub(crate) struct FilteredPage {
    pub(crate) sql: String,
    pub(crate) arguments: Vec<Box<dyn ToSql + Send + Sync>>,
    /// Whether it is of one of a few shapes, so that to keep it prepared is worth its memory.
    pub(crate) is_common: bool,
}

/// How many criteria a filter has at most that is of a common shape.
const FEW: usize = 3;

impl FilteredPage {
    /// The page that a query with these criteria asks for; `None` when nothing can pass.
    pub(crate) fn of(
        schema: &SchemaName,
        query: &ReadAll,
        criteria: &[Criterion],
        limit: usize,
    ) -> Option<Self> {
        let criteria: Vec<&Criterion> = criteria.iter().filter(|criterion| can_match(criterion)).collect();
        if criteria.is_empty() {
            return None;
        }
        let listed = limit.saturating_mul(4).clamp(LISTED.0, LISTED.1);
        let mut building = Building { schema, direction: query.direction, arguments: Vec::new() };
        let after = building.number(signed(query.after.get()));
        let limit = building.number(signed(limit as u64));
        let most_bytes = building.number(signed(query.max_bytes as u64));
        let listed = building.number(signed(listed as u64));
        let mut candidates = Vec::new();
        let mut passes = Vec::new();
        for (number, criterion) in criteria.iter().enumerate() {
            let list = building.candidates(criterion, &after, &listed);
            candidates.push(format!("c{number} AS MATERIALIZED ({list})"));
            passes.push(format!("({})", building.passes(criterion)));
        }
        let Building { direction, arguments, .. } = building;
        let all = (0..criteria.len()).map(|it| format!("SELECT position FROM c{it}")).collect::<Vec<_>>();
        // The end of the log as this statement sees it, and no function: another statement may know of a partition that this one
        // was planned without, and what is there would be passed by.
        let last = format!(
            "coalesce((SELECT h.position FROM {schema}.event_log h ORDER BY h.position DESC LIMIT 1), 0)"
        );
        let (order, farthest, nearest, end, within) = match direction {
            Direction::Forward => ("ASC", "max", "least", last.as_str(), "<="),
            Direction::Backward => ("DESC", "min", "greatest", "0", ">="),
        };
        // Where a list was cut short, nothing is known beyond its end.
        let cut = |number: usize| {
            let most = if criteria.get(number).is_some_and(|it| is_listed(it)) {
                listed.clone()
            } else {
                unlisted(&listed)
            };
            format!("(SELECT {farthest}(position) FROM c{number} HAVING count(*) >= {most})")
        };
        let cuts = (0..criteria.len()).map(cut).collect::<Vec<_>>().join(", ");
        // Many may be looked at that do not pass: then all names are best read at once.
        let names = match criteria.iter().any(|it| has_prefix(it)) {
            true => format!("JOIN {schema}.stream_names s USING (stream_id)"),
            false => String::new(),
        };
        let inner = format!(
            "SELECT e.* FROM ({all}) c JOIN {schema}.event_log e USING (position) {names} \
            WHERE e.position {within} looked.through AND ({passes}) ORDER BY e.position {order} LIMIT {limit}",
            all = all.join(" UNION "),
            passes = passes.join(" OR "),
        );
        let sql = format!(
            "WITH {lists}, cut AS (SELECT {nearest}({cuts}) AS at), \
            looked AS (SELECT {nearest}(cut.at, {end}) AS through, cut.at IS NOT NULL AS is_cut FROM cut) \
            SELECT {EVENT}, looked.through, looked.is_cut \
            FROM looked LEFT JOIN LATERAL ({page}) e ON {is_within} {named}",
            named = named(schema),
            lists = candidates.join(", "),
            page = bounded(order, "position", &inner),
            is_within = is_within(&most_bytes),
        );
        Some(Self { sql, arguments, is_common: criteria.len() <= FEW })
    }
}

struct Building<'s> {
    schema: &'s SchemaName,
    direction: Direction,
    arguments: Vec<Box<dyn ToSql + Send + Sync>>,
}

impl Building<'_> {
    fn argument(&mut self, value: impl ToSql + Send + Sync + 'static) -> String {
        self.arguments.push(Box::new(value));
        format!("${}", self.arguments.len())
    }

    /// With its type, where the server would guess another from what is around it.
    fn number(&mut self, value: i64) -> String {
        format!("{}::bigint", self.argument(value))
    }

    /// The positions of what may pass a criterion, in order: of all events, where no index lists fewer.
    fn candidates(&mut self, criterion: &Criterion, after: &str, listed: &str) -> String {
        let schema = self.schema;
        let (order, beyond) = match self.direction {
            Direction::Forward => ("ASC", ">"),
            Direction::Backward => ("DESC", "<"),
        };
        if let Some(stream) = &criterion.stream {
            let stream = self.argument(stream.as_str().to_owned());
            let stream = format!("(SELECT stream_id FROM {schema}.stream_names WHERE name = {stream})");
            let versions = match self.direction {
                Direction::Forward => format!("version > {schema}.version_at({stream}, {after})"),
                Direction::Backward => format!("version <= {schema}.version_at({stream}, {after} - 1)"),
            };
            return format!(
                "SELECT position FROM {schema}.event_log WHERE stream_id = {stream} AND {versions} \
                ORDER BY version {order} LIMIT {listed}"
            );
        }
        if let Some(tag) = criterion.tags.iter().next() {
            let tag = self.argument(tag.as_str().to_owned());
            return format!(
                "SELECT position FROM {schema}.event_tags WHERE tag = {tag} AND position {beyond} {after} \
                ORDER BY position {order} LIMIT {listed}"
            );
        }
        if let Some(types) = &criterion.event_types {
            let types = self.argument(types.iter().map(|it| it.as_str().to_owned()).collect::<Vec<_>>());
            return format!(
                "SELECT m.position FROM pg_catalog.unnest({types}::text[]) AS w (event_type) CROSS JOIN LATERAL (\
                    SELECT e.position FROM {schema}.event_log e \
                    WHERE e.event_type = w.event_type AND e.position {beyond} {after} \
                    ORDER BY e.position {order} LIMIT {listed}\
                ) m GROUP BY m.position ORDER BY m.position {order} LIMIT {listed}"
            );
        }
        format!(
            "SELECT position FROM {schema}.event_log WHERE position {beyond} {after} \
            ORDER BY position {order} LIMIT {}",
            unlisted(listed)
        )
    }

    /// Whether an event `e` passes a criterion; of a stream `s`, where there is one with a prefix.
    fn passes(&mut self, criterion: &Criterion) -> String {
        let mut all = vec!["true".to_owned()];
        if let Some(types) = &criterion.event_types {
            let types = self.argument(types.iter().map(|it| it.as_str().to_owned()).collect::<Vec<_>>());
            all.push(format!("e.event_type = ANY ({types})"));
        }
        if let Some(stream) = &criterion.stream {
            let (schema, stream) = (self.schema, self.argument(stream.as_str().to_owned()));
            all.push(format!(
                "e.stream_id = (SELECT stream_id FROM {schema}.stream_names WHERE name = {stream})"
            ));
        }
        if let Some(prefix) = criterion.stream_prefix.as_deref().filter(|_| has_prefix(criterion)) {
            let from = self.argument(prefix.to_owned());
            all.push(format!("s.name >= {from}"));
            if let Some(end) = prefix_end(prefix) {
                let end = self.argument(end);
                all.push(format!("s.name < {end}"));
            }
        }
        if !criterion.tags.is_empty() {
            let tags =
                self.argument(criterion.tags.iter().map(|it| it.as_str().to_owned()).collect::<Vec<_>>());
            all.push(format!("e.tags OPERATOR(pg_catalog.@>) {tags}::text[]"));
        }
        all.join(" AND ")
    }
}

fn has_prefix(criterion: &Criterion) -> bool {
    criterion.stream_prefix.as_ref().is_some_and(|prefix| !prefix.is_empty())
}

fn is_listed(criterion: &Criterion) -> bool {
    criterion.stream.is_some() || !criterion.tags.is_empty() || criterion.event_types.is_some()
}

/// Never fewer than where an index lists them; so every statement has the argument, whatever its shape.
fn unlisted(listed: &str) -> String {
    format!("greatest({listed}, {UNLISTED})")
}

/// Whether any event could pass. No name holds a NUL, and the server takes none.
pub(crate) fn can_match(criterion: &Criterion) -> bool {
    criterion.event_types.as_ref().is_none_or(|types| !types.is_empty())
        && criterion.stream_prefix.as_ref().is_none_or(|prefix| !prefix.contains('\0'))
}

/// The least text that is greater than all that begin with this one; `None` when there is none.
pub(crate) fn prefix_end(prefix: &str) -> Option<String> {
    let mut characters: Vec<char> = prefix.chars().collect();
    while let Some(last) = characters.pop() {
        // Over the gap in which there are no characters.
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            characters.push(next);
            return Some(characters.into_iter().collect());
        }
    }
    None
}
